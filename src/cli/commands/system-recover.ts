import type { Command } from 'commander'
import { recoverContainers } from '../../container/recover.ts'
import { withContext } from '../context.ts'
import { forEachTarget } from '../targets.ts'

export function addSystemRecoverCommand(parent: Command): void {
  parent
    .command('recover')
    .description('Start again what a reboot or a crash ended and a restart policy wants to run')
    .action((_flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        if (!ctx.hasDatabase) return
        const recovered = await recoverContainers(ctx, (namespace) => ctx.inNamespace(namespace))
        await forEachTarget(recovered, async ({ record, failure }) => {
          if (failure !== undefined) throw failure
          ctx.stdout.line(record.name)
        })
      }),
    )
}
