import sea from 'node:sea'
import { fileURLToPath } from 'node:url'

/**
 * How another program starts tsctr again (conmon's `--exit-command`): the program and its first
 * arguments.
 */
export function selfCommand(): readonly [string, ...string[]] {
  if (sea.isSea()) return [process.execPath]
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  return [process.execPath, '--disable-warning=ExperimentalWarning', main]
}
