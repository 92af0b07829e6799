import type { ExecuteOptions } from './template/evaluate.ts'
import { executeProgram } from './template/execute.ts'
import { functions } from './template/functions.ts'
import { parseProgram } from './template/parse.ts'

export interface Template {
  /**
   * The text the template makes of `data`. A function in the data is a method: `.Label "k"`.
   *
   * @throws INVALID_ARGUMENT, `template parsing error: template: :1:2: executing "" at <.X>: …`
   */
  readonly execute: (data: unknown, options?: ExecuteOptions) => string
}

const names: ReadonlySet<string> = new Set(functions.keys())

/**
 * Read a Go template as `--format` takes it.
 *
 * @throws INVALID_ARGUMENT, `template parsing error: template: :1: unclosed action`
 * Source: Go text/template; docker "Format command and log output"
 */
export function parseTemplate(text: string): Template {
  const program = parseProgram(text, names)
  return { execute: (data, options = {}) => executeProgram(program, data, options) }
}
