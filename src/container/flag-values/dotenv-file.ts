import { TsctrError } from '../../errors.ts'
import { readTextFile } from './value-file.ts'

/**
 * The entries of a --dotenv-file, `NAME=value` as a shell would read them: values may stand in
 * single quotes, where nothing is special, or in double quotes with \n, \", \\ and the like, over
 * several lines; `export` may come first, and a # after white space begins a comment. Nothing is
 * expanded. `NAME` alone takes the caller's value.
 *
 * @throws  NOT_FOUND, INVALID_ARGUMENT with the line
 * Source: dotenv(5) of docker compose; POSIX shell §2.2
 */
export function readDotenvFile(path: string): string[] {
  return parseDotenv(readTextFile(path), path)
}

/** @param path  for errors */
export function parseDotenv(text: string, path: string): string[] {
  const entries: string[] = []
  const whole = text.replaceAll('\r\n', '\n')
  let rest = whole
  const take: Take = (form) => {
    const match = form.exec(rest)?.[0]
    if (match !== undefined) rest = rest.slice(match.length)
    return match
  }
  for (;;) {
    take(/^(\s+|#[^\n]*)*/)
    if (rest === '') return entries
    const line = whole.slice(0, whole.length - rest.length).split('\n').length
    const entry = takeEntry(take)
    if ('problem' in entry) {
      throw new TsctrError('INVALID_ARGUMENT', `${path}: line ${line}: ${entry.problem}`)
    }
    entries.push(entry.text)
  }
}

/** Take what fits at the beginning of what is left. */
type Take = (form: RegExp) => string | undefined

function takeEntry(take: Take): { readonly text: string } | { readonly problem: string } {
  take(/^export[ \t]+/)
  const name = take(/^[^\s=#'"]+/)
  if (name === undefined) return { problem: 'no name before =' }
  if (take(/^[ \t]*=[ \t]*/) === undefined) {
    const isAlone = take(/^[ \t]*(#[^\n]*)?(?=\n|$)/) !== undefined
    return isAlone ? { text: name } : { problem: `no = after the name "${name}"` }
  }
  const quote = take(/^['"]/)
  const value = quote === undefined ? take(plainValue) : takeQuoted(take, quote)
  if (value === undefined) return { problem: `the quote ${quote} of ${name} is not closed` }
  const isAtEnd = take(/^([ \t]+#[^\n]*|[ \t]*)(?=\n|$)/) !== undefined
  return isAtEnd ? { text: `${name}=${value}` } : { problem: 'text after the closing quote' }
}

/** To the end of the line, or to a comment. */
const plainValue = /^[^\n]*?(?=[ \t]+#|[ \t]*(\n|$))/

/** @returns undefined if the quote is not closed */
function takeQuoted(take: Take, quote: string): string | undefined {
  const body = take(quote === "'" ? /^[^']*/ : /^(?:[^"\\]|\\[\s\S])*/) ?? ''
  if (take(/^['"]/) === undefined) return undefined
  return quote === "'" ? body : body.replaceAll(/\\([\s\S])/g, unescaped)
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

/** What a backslash makes of the character after it; it stays where that is not special. */
function unescaped(whole: string, character: string): string {
  if (character === '\n') return ''
  return escapes[character] ?? (/["\\$`]/.test(character) ? character : whole)
}
