import type { Command } from 'commander'
import { pauseContainer } from '../../container/pause.ts'
import { withContext } from '../context.ts'
import { forEachTarget } from '../targets.ts'

export function addPauseCommand(parent: Command): void {
  parent
    .command('pause <container...>')
    .description('Freeze all processes of containers')
    .action((names: string[], _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        await forEachTarget(names, async (name) => {
          await pauseContainer(ctx, name)
          ctx.stdout.line(name)
        })
      }),
    )
}
