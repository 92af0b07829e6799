import { TsctrError } from '../errors.ts'

/** Variables of an instruction: a value for a name, undefined where there is none. */
export type Variables = (name: string) => string | undefined

/**
 * Split an instruction's text at the spaces that no quote and no backslash covers. Quotes stay.
 *
 * @throws  INVALID_ARGUMENT for a quote without an end
 * Source: moby/buildkit frontend/dockerfile/parser/line_parsers.go parseWords
 */
export function splitWords(text: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index] ?? ''
    if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
      continue
    }
    word = (word ?? '') + character
    if (character === '\\' && quote !== "'") {
      index += 1
      word += text[index] ?? ''
    } else if (quote === '' && (character === '"' || character === "'")) quote = character
    else if (character === quote) quote = ''
  }
  if (quote !== '') throw invalid(text, `no closing ${quote}`)
  return word === undefined ? words : [...words, word]
}

/**
 * Take quotes and backslashes off a word and put in the values of `$NAME`, `${NAME}`,
 * `${NAME:-word}` and `${NAME:+word}`.
 *
 * @throws  INVALID_ARGUMENT
 * Source: moby/buildkit frontend/dockerfile/shell/lex.go
 */
export function expandWord(word: string, variables: Variables): string {
  let result = ''
  let quote = ''
  for (let index = 0; index < word.length; index += 1) {
    const character = word[index] ?? ''
    if (character === '\\' && quote !== "'") {
      const next = word[index + 1]
      // Between double quotes a backslash is itself, but before what it can quote there.
      const quotes = next !== undefined && (quote === '' || '"$\\'.includes(next))
      if (quotes) index += 1
      result += quotes ? next : character
    } else if (character === quote) quote = ''
    else if (quote === '' && (character === '"' || character === "'")) quote = character
    else if (character === '$' && quote !== "'") {
      const { value, end } = expandVariable(word, index, variables)
      result += value
      index = end - 1
    } else result += character
  }
  if (quote !== '') throw invalid(word, `no closing ${quote}`)
  return result
}

function expandVariable(
  word: string,
  start: number,
  variables: Variables,
): { value: string; end: number } {
  const rest = word.slice(start)
  const plain = /^\$([A-Za-z_]\w*|\d)/.exec(rest)
  if (plain !== null)
    return { value: variables(plain[1] ?? '') ?? '', end: start + plain[0].length }
  if (!rest.startsWith('${')) return { value: '$', end: start + 1 }
  const end = closingBrace(word, start)
  const inner = word.slice(start + 2, end)
  const braced = /^([A-Za-z_]\w*)(?::([-+])(.*))?$/s.exec(inner)
  if (braced === null) throw invalid(word, `\${${inner}}: not supported`)
  const [, name = '', operator, alternative = ''] = braced
  const value = variables(name) ?? ''
  const usesAlternative = operator !== undefined && (value === '') === (operator === '-')
  const chosen = usesAlternative
    ? expandWord(alternative, variables)
    : operator === '+'
      ? ''
      : value
  return { value: chosen, end: end + 1 }
}

function closingBrace(word: string, start: number): number {
  let depth = 0
  for (let index = start; index < word.length; index += 1) {
    if (word[index] === '\\') index += 1
    else if (word.startsWith('${', index)) depth += 1
    else if (word[index] === '}') depth -= 1
    if (depth === 0 && word[index] === '}') return index
  }
  throw invalid(word, 'no closing }')
}

function invalid(text: string, problem: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: ${problem}`)
}
