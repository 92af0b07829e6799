import type { Command } from 'commander'
import { restartByPolicy } from '../../container/restart-by-policy.ts'
import { settleContainer } from '../../container/settle.ts'
import { withContext } from '../context.ts'

/** What conmon runs when a container has ended. Idempotent: the foreground command may be first. */
export function addOnExitCommand(parent: Command): void {
  parent
    .command('on-exit <id>')
    .description('Clean up after a container')
    .action((id: string, _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        await settleContainer(ctx, id)
        await restartByPolicy(ctx, id)
      }),
    )
}
