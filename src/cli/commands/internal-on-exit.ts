import type { Command } from 'commander'
import { settleContainer } from '../../container/settle.ts'
import { getContainer } from '../../store/containers.ts'
import { withContext } from '../context.ts'

/** What conmon runs when a container has ended. Idempotent: the foreground command may be first. */
export function addOnExitCommand(parent: Command): void {
  parent
    .command('on-exit <id>')
    .description('Clean up after a container')
    .action((id: string, _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        await settleContainer(ctx, id)
        if (getContainer(ctx.database, id)?.restart.at === undefined) return
        // Few containers are started again, and what it takes to start one is most of the program.
        const { restartByPolicy } = await import('../../container/restart-by-policy.ts')
        await restartByPolicy(ctx, id)
      }),
    )
}
