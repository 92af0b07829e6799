import type { Command } from 'commander'
import { waitContainer } from '../../container/wait.ts'
import { withContext } from '../context.ts'
import { forEachTarget } from '../targets.ts'

export function addWaitCommand(parent: Command): void {
  parent
    .command('wait <container...>')
    .description('Wait until containers have ended, then print their exit codes')
    .action((names: string[], _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        await forEachTarget(names, async (name) => {
          ctx.stdout.line(String(await waitContainer(ctx, name)))
        })
      }),
    )
}
