import { outputTo } from './output.ts'

const stderrFd = 2

/**
 * Print what went wrong on stderr.
 *
 * @param error  an AggregateError (several targets) is printed as each of its errors
 */
export async function reportError(
  error: unknown,
  options: { readonly debug: boolean },
): Promise<void> {
  const [{ renderError }, { wantsColor }, { isatty }] = await Promise.all([
    import('./render/errors.ts'),
    import('./render/wants-color.ts'),
    import('node:tty'),
  ])
  const color = wantsColor({ isTTY: isatty(stderrFd) })
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error]
  for (const each of errors) outputTo(stderrFd).line(renderError(each, { ...options, color }))
}
