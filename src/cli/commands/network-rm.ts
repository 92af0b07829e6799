import type { Command } from 'commander'
import { removeNetwork } from '../../container/networks/remove-network.ts'
import { settleInterrupted } from '../../container/settle.ts'
import { hasCode } from '../../errors.ts'
import { withContext } from '../context.ts'
import { forEachTarget } from '../targets.ts'

export function addNetworkRmCommand(parent: Command): void {
  parent
    .command('rm <network...>')
    .description('Remove networks')
    .option('-f, --force', 'one that does not exist is no error')
    .action((names: string[], { force }: { force?: boolean }, command: Command) =>
      withContext(command, async (ctx) => {
        await settleInterrupted(ctx)
        await forEachTarget(names, async (name) => {
          try {
            await removeNetwork(ctx, name)
          } catch (error) {
            if (force !== true || !hasCode(error, 'NOT_FOUND')) throw error
          }
          ctx.stdout.line(name)
        })
      }),
    )
}
