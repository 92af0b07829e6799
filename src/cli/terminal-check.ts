import { isatty } from 'node:tty'
import { TsctrError } from '../errors.ts'

/**
 * `-it` needs a terminal to take the keys from.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker/cli streams/in.go CheckTty
 */
export function requireTerminalInput(what: string, tty: boolean, takesInput: boolean): void {
  if (!tty || !takesInput || isatty(0)) return
  const reason = 'cannot attach stdin to a TTY-enabled container because stdin is not a terminal'
  throw new TsctrError('INVALID_ARGUMENT', `${what}: ${reason}`, { hint: 'leave out -t' })
}
