import { type Cursor, descend, nextToken, peekToken, unexpected } from './cursor.ts'
import type { Command, Operand, Pipeline } from './syntax.ts'
import { parseError } from './template-error.ts'
import type { Token } from './tokens.ts'

/**
 * Read `[$a[, $b] :=] command {| command}` up to, not including, what closes it.
 *
 * @param context  what the pipeline belongs to, for messages: `if`, `command`, `range` …
 */
export function parsePipeline(cursor: Cursor, context: string): Pipeline {
  const start = peekToken(cursor)
  const { variables, isAssignment } = parseDeclaration(cursor, context)
  const commands: Command[] = []
  for (;;) {
    const token = peekToken(cursor)
    if (token.kind === 'close' || token.kind === ')' || token.kind === 'eof') {
      throw parseError(cursor.text, token.start, `missing value for ${context}`)
    }
    commands.push(parseCommand(cursor, commands.length))
    if (peekToken(cursor).kind !== '|') break
    nextToken(cursor)
  }
  // A variable exists only after the pipeline that declares it.
  if (!isAssignment) cursor.variables.push(...variables)
  const end = commands.at(-1)?.end ?? start.end
  return { variables, isAssignment, commands, start: start.start, end, at: start.start }
}

interface Declaration {
  readonly variables: readonly string[]
  readonly isAssignment: boolean
}

function parseDeclaration(cursor: Cursor, context: string): Declaration {
  const [first, second, third, fourth] = cursor.tokens.slice(cursor.index, cursor.index + 4)
  const isSign = (token: Token | undefined): boolean => token?.kind === ':=' || token?.kind === '='
  const names =
    first?.kind !== 'variable'
      ? []
      : isSign(second)
        ? [first]
        : second?.kind === ',' && third?.kind === 'variable' && isSign(fourth)
          ? [first, third]
          : []
  if (names.length === 0 || first === undefined) return { variables: [], isAssignment: false }
  if (names.length === 2 && context !== 'range') {
    throw parseError(cursor.text, first.start, `too many declarations in ${context}`)
  }
  const isAssignment = (names.length === 1 ? second : fourth)?.kind === '='
  if (isAssignment) for (const name of names) checkVariable(cursor, name)
  cursor.index += names.length * 2
  return { variables: names.map((name) => name.text), isAssignment }
}

function parseCommand(cursor: Cursor, stage: number): Command {
  const operands: Operand[] = []
  for (;;) {
    const token = peekToken(cursor)
    if (token.kind === 'close' || token.kind === '|' || token.kind === ')' || token.kind === 'eof')
      break
    if (operands.length > 0 && !token.isSpaced) throw unexpected(cursor, token, 'operand')
    operands.push(parseOperand(cursor))
  }
  const [first, ...rest] = operands
  const last = operands.at(-1)
  if (first === undefined || last === undefined) {
    throw parseError(cursor.text, peekToken(cursor).start, 'missing value for command')
  }
  // Only something that can take the value of the stage before it may follow a `|`.
  if (stage > 0 && ['literal', 'nil', 'dot'].includes(first.kind)) {
    const problem = `non executable command in pipeline stage ${stage + 1}`
    throw parseError(cursor.text, first.start, problem)
  }
  return { first, rest, start: first.start, end: last.end, at: first.at }
}

function parseOperand(cursor: Cursor): Operand {
  const token = nextToken(cursor)
  const base = parseTerm(cursor, token)
  const names: string[] = []
  let end = base.end
  let at = base.at
  for (
    let next = peekToken(cursor);
    next.kind === 'field' && !next.isSpaced;
    next = peekToken(cursor)
  ) {
    nextToken(cursor)
    names.push(next.text.slice(1))
    at = names.length === 1 ? next.start : at
    end = next.end
  }
  if (names.length === 0) return base
  if (base.kind === 'field' || base.kind === 'variable' || base.kind === 'group') {
    return { ...base, names: [...base.names, ...names], at, end }
  }
  throw parseError(cursor.text, at, `unexpected . after term "${token.text}"`)
}

function parseTerm(cursor: Cursor, token: Token): Operand {
  const span = { start: token.start, end: token.end, at: token.start }
  switch (token.kind) {
    case 'dot':
      return { kind: 'dot', ...span }
    case 'field':
      return { kind: 'field', names: [token.text.slice(1)], ...span }
    case 'variable':
      checkVariable(cursor, token)
      return { kind: 'variable', name: token.text, names: [], ...span }
    case 'literal':
      return { kind: 'literal', value: token.value ?? '', ...span }
    case '(':
      return parseGroup(cursor, token)
    case 'identifier':
      return parseWord(cursor, token)
    default:
      throw unexpected(cursor, token, 'operand')
  }
}

function parseGroup(cursor: Cursor, open: Token): Operand {
  descend(cursor, open)
  const pipeline = parsePipeline(cursor, 'parenthesized pipeline')
  const close = nextToken(cursor)
  if (close.kind !== ')') throw unexpected(cursor, close, 'parenthesized pipeline')
  cursor.depth--
  const span = { start: open.start, end: close.end, at: open.start }
  return { kind: 'group', pipeline, names: [], ...span }
}

function parseWord(cursor: Cursor, token: Token): Operand {
  const span = { start: token.start, end: token.end, at: token.start }
  if (token.text === 'nil') return { kind: 'nil', ...span }
  if (token.text === 'true' || token.text === 'false') {
    return { kind: 'literal', value: token.text === 'true', ...span }
  }
  if (cursor.functions.has(token.text)) return { kind: 'function', name: token.text, ...span }
  throw parseError(cursor.text, token.start, `function "${token.text}" not defined`)
}

function checkVariable(cursor: Cursor, token: Token): void {
  if (cursor.variables.includes(token.text)) return
  throw parseError(cursor.text, token.start, `undefined variable "${token.text}"`)
}
