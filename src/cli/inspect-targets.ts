import { isatty } from 'node:tty'
import { hasCode } from '../errors.ts'
import type { Context } from './context.ts'
import { renderInspect } from './render/inspect.ts'

/**
 * Print what is known of several things as `inspect` does: those that are there, then a line for
 * each that is not, which makes the exit code 1.
 *
 * @param kind    what is missing then: `object`, `image`
 * @param format  a Go template, or `json`
 * Source: docker inspect
 */
export async function inspectTargets(
  ctx: Context,
  options: {
    readonly names: readonly string[]
    readonly kind: string
    readonly format: string | undefined
    readonly inspect: (name: string) => Promise<object>
  },
): Promise<void> {
  const found: object[] = []
  const missing: string[] = []
  for (const name of options.names) {
    try {
      found.push(await options.inspect(name))
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND')) throw error
      missing.push(`Error: No such ${options.kind}: ${name}`)
    }
  }
  const { format } = options
  ctx.stdout.write(renderInspect(found, { format, isTerminal: isatty(1) }))
  for (const line of missing) ctx.stderr.line(line)
  if (missing.length > 0) process.exitCode = 1
}
