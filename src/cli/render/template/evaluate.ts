import { functions as allFunctions, type Functions } from './functions.ts'
import type { Command, Operand, Pipeline, Program } from './syntax.ts'
import { executeError, ValueProblem } from './template-error.ts'
import { isTrue, kindOf, memberOf, typeName } from './value.ts'

export interface ExecuteOptions {
  /**
   * What a field that a struct lacks is: an error (default), or `<no value>`. A missing key of a
   * map is `<no value>` either way.
   */
  readonly missing?: 'error' | 'no-value' | undefined
  /** Functions that replace those of the same name. */
  readonly functions?: Functions | undefined
  /** Applied to the text of each value printed, not to the template's own text. */
  readonly escapeText?: ((text: string) => string) | undefined
}

/** A template at work. */
export interface Run {
  readonly program: Program
  readonly options: ExecuteOptions
  readonly output: string[]
  /** In scope, inner ones last. */
  variables: Array<{ readonly name: string; value: unknown }>
  depth: number
}

/** The value of a pipeline, given to its variables too. */
export function evaluatePipeline(run: Run, dot: unknown, pipeline: Pipeline): unknown {
  const value = evaluateCommands(run, dot, pipeline)
  for (const name of pipeline.variables) setVariable(run, name, value, pipeline.isAssignment)
  return value
}

/** The value of a pipeline alone: the variables of a `range` take elements of it instead. */
export function evaluateCommands(run: Run, dot: unknown, pipeline: Pipeline): unknown {
  let value: unknown
  for (const [stage, command] of pipeline.commands.entries()) {
    value = evaluateCommand(run, dot, command, stage === 0 ? [] : [value])
  }
  return value
}

export function setVariable(run: Run, name: string, value: unknown, isAssignment: boolean): void {
  const known = isAssignment
    ? run.variables.findLast((variable) => variable.name === name)
    : undefined
  if (known === undefined) run.variables.push({ name, value })
  else known.value = value
}

/** @param final  the value of the stage before in the pipeline, if there is one: the last argument */
function evaluateCommand(
  run: Run,
  dot: unknown,
  command: Command,
  final: readonly unknown[],
): unknown {
  const { first, rest } = command
  const { text } = run.program
  switch (first.kind) {
    case 'function':
      return callFunction(run, dot, command, first.name, final)
    case 'field':
      return evaluateChain(run, dot, dot, first, first.names, rest, final)
    case 'variable':
      return evaluateChain(run, dot, variable(run, first.name), first, first.names, rest, final)
    case 'group': {
      const value = evaluatePipeline(run, dot, first.pipeline)
      return evaluateChain(run, dot, value, first, first.names, rest, final)
    }
    case 'nil':
      throw executeError(text, first, 'nil is not a command')
    default:
      checkNoArguments(run, first, rest.length + final.length)
      return first.kind === 'dot' ? dot : first.value
  }
}

function evaluateOperand(run: Run, dot: unknown, operand: Operand): unknown {
  if (operand.kind === 'nil') return null
  return evaluateCommand(run, dot, { ...operand, first: operand, rest: [] }, [])
}

function variable(run: Run, name: string): unknown {
  return run.variables.findLast((known) => known.name === name)?.value
}

/** Follow `.A.B.C` from a value; only the last name may take arguments. */
function evaluateChain(
  run: Run,
  dot: unknown,
  start: unknown,
  operand: Operand,
  names: readonly string[],
  rest: readonly Operand[],
  final: readonly unknown[],
): unknown {
  if (names.length === 0) {
    checkNoArguments(run, operand, rest.length + final.length)
    return start
  }
  let value = start
  for (const [index, name] of names.entries()) {
    const isLast = index === names.length - 1
    const values = isLast ? [...rest.map((item) => evaluateOperand(run, dot, item)), ...final] : []
    value = field(run, value, name, operand, values)
  }
  return value
}

function field(
  run: Run,
  owner: unknown,
  name: string,
  operand: Operand,
  values: readonly unknown[],
): unknown {
  const fail = (problem: string, cause?: unknown): Error =>
    executeError(run.program.text, operand, problem, cause)
  const kind = kindOf(owner)
  if (kind === 'none') return undefined
  if (kind === 'nil') throw fail(`nil pointer evaluating interface {}.${name}`)
  if (kind !== 'map' && kind !== 'struct') {
    throw fail(`can't evaluate field ${name} in type ${typeName(owner)}`)
  }
  const value = memberOf(owner, name)
  if (typeof value === 'function') {
    if (value.length !== values.length) {
      throw fail(`wrong number of args for ${name}: want ${value.length} got ${values.length}`)
    }
    return called(() => Reflect.apply(value, owner, values), `error calling ${name}`, fail)
  }
  if (values.length > 0) throw fail(`${name} is not a method but has arguments`)
  if (value === undefined && kind === 'struct' && run.options.missing !== 'no-value') {
    throw fail(`map has no entry for key "${name}"`)
  }
  return value
}

function callFunction(
  run: Run,
  dot: unknown,
  command: Command,
  name: string,
  final: readonly unknown[],
): unknown {
  const { text } = run.program
  const found = run.options.functions?.get(name) ?? allFunctions.get(name)
  if (found === undefined) throw new Error(`bug: template function ${name} vanished after parsing`)
  const count = command.rest.length + final.length
  if (count < found.minArguments || count > found.maxArguments) {
    const atLeast = found.maxArguments === Number.POSITIVE_INFINITY ? 'at least ' : ''
    const problem = `wrong number of args for ${name}: want ${atLeast}${found.minArguments} got ${count}`
    throw executeError(text, command.first, problem)
  }
  if (name === 'and' || name === 'or') return evaluateLogic(run, dot, command, final)
  const values = [...command.rest.map((item) => evaluateOperand(run, dot, item)), ...final]
  return called(
    () => found.call(values),
    `error calling ${name}`,
    (problem, cause) => executeError(text, command, problem, cause),
  )
}

/** `and` and `or` stop at the first argument that decides. */
function evaluateLogic(
  run: Run,
  dot: unknown,
  command: Command,
  final: readonly unknown[],
): unknown {
  const isOr = command.first.kind === 'function' && command.first.name === 'or'
  let value: unknown
  for (const operand of command.rest) {
    value = evaluateOperand(run, dot, operand)
    if (isTrue(value) === isOr) return value
  }
  return final.length > 0 ? final[0] : value
}

/** Run a function or a method of the data, naming it in what it throws. */
function called(
  body: () => unknown,
  doing: string,
  fail: (problem: string, cause: unknown) => Error,
): unknown {
  try {
    return body()
  } catch (cause) {
    if (cause instanceof ValueProblem) throw fail(`${doing}: ${cause.message}`, cause)
    throw cause
  }
}

function checkNoArguments(run: Run, operand: Operand, count: number): void {
  if (count === 0) return
  const { text } = run.program
  const source = text.slice(operand.start, operand.end)
  throw executeError(text, operand, `can't give argument to non-function ${source}`)
}
