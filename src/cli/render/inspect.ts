import { escapeTerminal } from './escape.ts'
import type { FormatOptions } from './format.ts'
import { stringifyJson } from './json.ts'
import { parseTemplate } from './template.ts'

/**
 * The answer of an `inspect` command: an indented JSON array; with `--format json` the array on
 * one line; with a template one line for each object.
 *
 * @throws INVALID_ARGUMENT for a bad template or a field that an object lacks
 * Source: docker inspect
 */
export function renderInspect(objects: readonly unknown[], options: FormatOptions = {}): string {
  const { format = '' } = options
  if (format === '') return `${stringifyJson(objects, 4)}\n`
  if (format === 'json') return `${stringifyJson(objects)}\n`
  const template = parseTemplate(format)
  const escapeText = options.isTerminal === true ? escapeTerminal : undefined
  return objects.map((object) => `${template.execute(object, { escapeText })}\n`).join('')
}
