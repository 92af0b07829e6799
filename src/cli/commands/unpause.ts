import type { Command } from 'commander'
import { unpauseContainer } from '../../container/pause.ts'
import { withContext } from '../context.ts'
import { forEachTarget } from '../targets.ts'

export function addUnpauseCommand(parent: Command): void {
  parent
    .command('unpause <container...>')
    .description('Let the processes of paused containers go on')
    .action((names: string[], _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        await forEachTarget(names, async (name) => {
          await unpauseContainer(ctx, name)
          ctx.stdout.line(name)
        })
      }),
    )
}
