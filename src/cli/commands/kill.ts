import type { Command } from 'commander'
import { killContainer } from '../../container/stop.ts'
import { parseSignal, type Signal } from '../../oci/signal.ts'
import { withContext } from '../context.ts'
import { single } from '../flag-parser.ts'
import { forEachTarget } from '../targets.ts'

export function addKillCommand(parent: Command): void {
  parent
    .command('kill <container...>')
    .description('Send a signal to running containers')
    .option('-s, --signal <signal>', 'the signal (default "KILL")', single('--signal', parseSignal))
    .action((names: string[], flags: { signal?: Signal }, command: Command) =>
      withContext(command, async (ctx) => {
        const signal = flags.signal ?? parseSignal('KILL')
        await forEachTarget(names, async (name) => {
          await killContainer(ctx, { name, signal })
          ctx.stdout.line(name)
        })
      }),
    )
}
