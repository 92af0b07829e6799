import { type Cursor, descend, expectClose, nextToken, peekToken } from './cursor.ts'
import { parsePipeline } from './parse-pipeline.ts'
import type { Branch, Node, Program } from './syntax.ts'
import { parseError } from './template-error.ts'
import { type Token, tokenize } from './tokens.ts'

/**
 * Read a template's text.
 *
 * @param functions  the names that may be called
 * @throws           INVALID_ARGUMENT, `template parsing error: template: :<line>: <problem>`
 * Source: Go text/template
 */
export function parseProgram(text: string, functions: ReadonlySet<string>): Program {
  const defined = new Map<string, readonly Node[]>()
  const cursor: Cursor = {
    text,
    functions,
    tokens: tokenize(text),
    index: 0,
    variables: ['$'],
    depth: 0,
    rangeDepth: 0,
  }
  const { nodes, ending } = parseList(cursor, defined)
  if (ending.word !== 'eof')
    throw parseError(text, ending.token.start, `unexpected {{${ending.word}}}`)
  return { text, nodes, defined }
}

type Definitions = Map<string, readonly Node[]>

interface List {
  readonly nodes: readonly Node[]
  /** What ended the list: `eof`, `end` or `else`; the word is consumed, what follows it is not. */
  readonly ending: { readonly word: 'eof' | 'end' | 'else'; readonly token: Token }
}

function parseList(cursor: Cursor, defined: Definitions): List {
  const nodes: Node[] = []
  for (;;) {
    const token = nextToken(cursor)
    if (token.kind === 'eof') return { nodes, ending: { word: 'eof', token } }
    if (token.kind === 'text') {
      nodes.push({ kind: 'text', text: token.text, ...spanOf(token) })
      continue
    }
    const keyword = peekToken(cursor)
    const word = keyword.kind === 'identifier' ? keyword.text : ''
    if (word === 'end' || word === 'else') {
      nextToken(cursor)
      return { nodes, ending: { word, token: keyword } }
    }
    const node = parseAction(cursor, word, defined)
    if (node !== undefined) nodes.push(node)
  }
}

function parseAction(cursor: Cursor, word: string, defined: Definitions): Node | undefined {
  switch (word) {
    case 'if':
    case 'with':
    case 'range':
      return parseBranch(cursor, word, nextToken(cursor), defined)
    case 'break':
    case 'continue':
      return parseJump(cursor, word)
    case 'define':
      return parseDefine(cursor, defined)
    case 'block':
      return parseBlock(cursor, defined)
    case 'template': {
      const start = nextToken(cursor)
      const name = parseName(cursor, 'template clause')
      const pipeline =
        peekToken(cursor).kind === 'close' ? undefined : parsePipeline(cursor, 'template clause')
      expectClose(cursor, 'template clause')
      return { kind: 'template', name: name.text, pipeline, ...spanOf(start, name.token) }
    }
    default: {
      const pipeline = parsePipeline(cursor, 'command')
      expectClose(cursor, 'command')
      return { kind: 'action', pipeline, start: pipeline.start, end: pipeline.end, at: pipeline.at }
    }
  }
}

function parseBranch(
  cursor: Cursor,
  kind: Branch['kind'],
  start: Token,
  defined: Definitions,
): Branch {
  descend(cursor, start)
  const outerVariables = cursor.variables.length
  const pipeline = parsePipeline(cursor, kind)
  expectClose(cursor, kind)
  if (kind === 'range') cursor.rangeDepth++
  const body = parseList(cursor, defined)
  if (kind === 'range') cursor.rangeDepth--
  const otherwise = body.ending.word === 'else' ? parseElse(cursor, kind, defined) : []
  if (body.ending.word === 'end') expectClose(cursor, 'end')
  if (body.ending.word === 'eof')
    throw parseError(cursor.text, body.ending.token.start, 'unexpected EOF')
  cursor.variables.length = outerVariables
  cursor.depth--
  return { kind, pipeline, body: body.nodes, otherwise, ...spanOf(start) }
}

/** `{{else if …}}` and `{{else with …}}` are a branch inside the else, sharing its `{{end}}`. */
function parseElse(cursor: Cursor, kind: Branch['kind'], defined: Definitions): readonly Node[] {
  const next = peekToken(cursor)
  if (next.kind === 'identifier' && next.text === kind && kind !== 'range') {
    return [parseBranch(cursor, kind, nextToken(cursor), defined)]
  }
  expectClose(cursor, 'else')
  const { nodes, ending } = parseList(cursor, defined)
  if (ending.word === 'eof') throw parseError(cursor.text, ending.token.start, 'unexpected EOF')
  if (ending.word === 'else') {
    throw parseError(cursor.text, ending.token.start, 'expected end; found {{else}}')
  }
  expectClose(cursor, 'end')
  return nodes
}

function parseJump(cursor: Cursor, kind: 'break' | 'continue'): Node {
  const token = nextToken(cursor)
  expectClose(cursor, kind)
  if (cursor.rangeDepth === 0) {
    throw parseError(cursor.text, token.start, `{{${kind}}} outside {{range}}`)
  }
  return { kind, ...spanOf(token) }
}

function parseDefine(cursor: Cursor, defined: Definitions): undefined {
  const start = nextToken(cursor)
  if (cursor.depth > 0) throw parseError(cursor.text, start.start, 'unexpected {{define}}')
  const { text } = parseName(cursor, 'define clause')
  expectClose(cursor, 'define clause')
  defined.set(text, parseBody(cursor, defined))
}

function parseBlock(cursor: Cursor, defined: Definitions): Node {
  const start = nextToken(cursor)
  const name = parseName(cursor, 'block clause')
  const pipeline = parsePipeline(cursor, 'block clause')
  expectClose(cursor, 'block clause')
  defined.set(name.text, parseBody(cursor, defined))
  return { kind: 'template', name: name.text, pipeline, ...spanOf(start, name.token) }
}

/** The nodes up to `{{end}}` of a named template: it sees no variable and no loop around it. */
function parseBody(cursor: Cursor, defined: Definitions): readonly Node[] {
  const outer = { variables: cursor.variables, rangeDepth: cursor.rangeDepth }
  cursor.variables = ['$']
  cursor.rangeDepth = 0
  cursor.depth++
  const { nodes, ending } = parseList(cursor, defined)
  if (ending.word !== 'end') {
    const found = ending.word === 'eof' ? 'unexpected EOF' : 'unexpected {{else}}'
    throw parseError(cursor.text, ending.token.start, found)
  }
  expectClose(cursor, 'end')
  cursor.depth--
  cursor.variables = outer.variables
  cursor.rangeDepth = outer.rangeDepth
  return nodes
}

function parseName(cursor: Cursor, context: string): { text: string; token: Token } {
  const token = nextToken(cursor)
  if (typeof token.value === 'string') return { text: token.value, token }
  throw parseError(cursor.text, token.start, `unexpected "${token.text}" in ${context}`)
}

function spanOf(first: Token, last: Token = first): { start: number; end: number; at: number } {
  return { start: first.start, end: last.end, at: first.start }
}
