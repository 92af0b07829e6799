import { TsctrError } from '../errors.ts'
import { outputTo } from './output.ts'

/**
 * Print what went wrong on stderr.
 *
 * @param error  an AggregateError is printed as each of its errors
 */
export function reportError(error: unknown, options: { readonly debug: boolean }): void {
  if (error instanceof AggregateError) {
    for (const each of error.errors) reportError(each, options)
    return
  }
  const stderr = outputTo(2)
  if (!(error instanceof TsctrError) || options.debug) {
    const stack = error instanceof Error ? error.stack : String(error)
    stderr.line(`tsctr: ${stack}`)
    return
  }
  stderr.line(`tsctr: ${error.message}`)
  if (error.hint !== undefined) stderr.line(`hint: ${error.hint}`)
}
