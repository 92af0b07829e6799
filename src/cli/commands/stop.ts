import type { Command } from 'commander'
import { wholeNumber } from '../../container/flag-values/number.ts'
import { stopContainer } from '../../container/stop.ts'
import { parseSignal, type Signal } from '../../oci/signal.ts'
import { withContext } from '../context.ts'
import { single } from '../flag-parser.ts'
import { forEachTarget } from '../targets.ts'

export interface StopFlags {
  readonly time?: number
  readonly timeout?: number
  readonly signal?: Signal
}

export function addStopCommand(parent: Command): void {
  addStopFlags(parent.command('stop <container...>').description('Stop running containers')).action(
    (names: string[], flags: StopFlags, command: Command) =>
      withContext(command, async (ctx) => {
        await forEachTarget(names, async (name) => {
          await stopContainer(ctx, { name, ...stopRequest(flags) })
          ctx.stdout.line(name)
        })
      }),
  )
}

/** The flags of `stop` and `restart`. */
export function addStopFlags(command: Command): Command {
  return command
    .option(
      '-t, --time <seconds>',
      'seconds before SIGKILL (default: --stop-timeout of the container, or 10); -1 for no end',
      single('--time', wholeNumber(-1)),
    )
    .option('--timeout <seconds>', 'the same', single('--timeout', wholeNumber(-1)))
    .option('-s, --signal <signal>', 'signal to send first', single('--signal', parseSignal))
}

export function stopRequest(flags: StopFlags): {
  signal: Signal | undefined
  graceMs: number | undefined
} {
  const seconds = flags.time ?? flags.timeout
  return {
    signal: flags.signal,
    graceMs: seconds === undefined ? undefined : seconds * 1000,
  }
}
