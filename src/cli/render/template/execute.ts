import {
  type ExecuteOptions,
  evaluateCommands,
  evaluatePipeline,
  type Run,
  setVariable,
} from './evaluate.ts'
import { printValue } from './go-print.ts'
import type { Branch, Node, Pipeline, Program } from './syntax.ts'
import { executeError } from './template-error.ts'
import { isTrue, kindOf, mapEntries } from './value.ts'

/** Run a parsed template on its data. Every failure is INVALID_ARGUMENT and names its place. */
export function executeProgram(program: Program, data: unknown, options: ExecuteOptions): string {
  const run: Run = {
    program,
    options,
    output: [],
    variables: [{ name: '$', value: data }],
    depth: 0,
  }
  walkAll(run, data, program.nodes)
  return run.output.join('')
}

type Jump = 'break' | 'continue' | undefined

const maxTemplateDepth = 500

function walkAll(run: Run, dot: unknown, nodes: readonly Node[]): Jump {
  for (const node of nodes) {
    const jump = walk(run, dot, node)
    if (jump !== undefined) return jump
  }
  return undefined
}

function walk(run: Run, dot: unknown, node: Node): Jump {
  switch (node.kind) {
    case 'text':
      run.output.push(node.text)
      return undefined
    case 'action': {
      const value = evaluatePipeline(run, dot, node.pipeline)
      if (node.pipeline.variables.length === 0) print(run, value)
      return undefined
    }
    case 'break':
    case 'continue':
      return node.kind
    case 'template':
      return callTemplate(run, dot, node)
    default: {
      const outerVariables = run.variables.length
      const jump = node.kind === 'range' ? walkRange(run, dot, node) : walkBranch(run, dot, node)
      run.variables.length = outerVariables
      return jump
    }
  }
}

function print(run: Run, value: unknown): void {
  const text = value === undefined ? '<no value>' : printValue(value)
  run.output.push(run.options.escapeText?.(text) ?? text)
}

function walkBranch(run: Run, dot: unknown, node: Branch): Jump {
  const value = evaluatePipeline(run, dot, node.pipeline)
  if (!isTrue(value)) return walkAll(run, dot, node.otherwise)
  return walkAll(run, node.kind === 'with' ? value : dot, node.body)
}

function walkRange(run: Run, dot: unknown, node: Branch): Jump {
  const entries = rangeEntries(run, evaluateCommands(run, dot, node.pipeline), node.pipeline)
  const { variables, isAssignment } = node.pipeline
  const outerVariables = run.variables.length
  let isEmpty = true
  for (const [key, item] of entries) {
    isEmpty = false
    if (variables.length > 0) {
      const values = variables.length === 1 ? [item] : [key, item]
      for (const [at, name] of variables.entries()) setVariable(run, name, values[at], isAssignment)
    }
    const jump = walkAll(run, item, node.body)
    run.variables.length = outerVariables
    if (jump === 'break') break
  }
  return isEmpty ? walkAll(run, dot, node.otherwise) : undefined
}

function* rangeEntries(
  run: Run,
  value: unknown,
  pipeline: Pipeline,
): Generator<[unknown, unknown]> {
  switch (kindOf(value)) {
    case 'list':
      yield* (value as readonly unknown[]).entries()
      return
    case 'map':
      yield* mapEntries(value)
      return
    case 'int':
      for (let count = 0; count < Number(value); count++) yield [count, count]
      return
    case 'nil':
    case 'none':
      return
    default: {
      const problem = `range can't iterate over ${printValue(value)}`
      throw executeError(run.program.text, pipeline, problem)
    }
  }
}

function callTemplate(run: Run, dot: unknown, node: Node & { kind: 'template' }): undefined {
  const nodes = run.program.defined.get(node.name)
  const { text } = run.program
  if (nodes === undefined) throw executeError(text, node, `template "${node.name}" not defined`)
  if (++run.depth > maxTemplateDepth) {
    throw executeError(text, node, 'exceeded maximum template depth')
  }
  const value = node.pipeline === undefined ? undefined : evaluatePipeline(run, dot, node.pipeline)
  const outer = run.variables
  run.variables = [{ name: '$', value }]
  walkAll(run, value, nodes)
  run.variables = outer
  run.depth--
}
