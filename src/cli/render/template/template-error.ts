import { TsctrError } from '../../../errors.ts'
import type { Span } from './syntax.ts'

/** What is wrong with a template, at a place of its text. Worded as Go's text/template does. */
export function parseError(text: string, offset: number, problem: string): TsctrError {
  return templateError(`${lineOf(text, offset)}: ${problem}`)
}

/** What went wrong while a template ran on its data. */
export function executeError(
  text: string,
  span: Span,
  problem: string,
  cause?: unknown,
): TsctrError {
  const column = span.at - (text.lastIndexOf('\n', span.at - 1) + 1)
  const source = text.slice(span.start, span.end)
  const place = `${lineOf(text, span.at)}:${column}`
  return templateError(`${place}: executing "" at <${source}>: ${problem}`, cause)
}

/** A problem found where no place of the text is known; the executor adds the place. */
export class ValueProblem extends Error {
  override readonly name = 'ValueProblem'
}

function templateError(where: string, cause?: unknown): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `template parsing error: template: :${where}`, {
    // A ValueProblem's words are already in the message.
    cause: cause instanceof ValueProblem ? undefined : cause,
    hint: 'the format is a Go template, such as \'{{.ID}}\', or "json"',
  })
}

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}
