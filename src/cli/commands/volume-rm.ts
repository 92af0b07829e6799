import type { Command } from 'commander'
import { hasCode } from '../../errors.ts'
import { removeVolume } from '../../volume/remove-volume.ts'
import { withContext } from '../context.ts'
import { forEachTarget } from '../targets.ts'

export function addVolumeRmCommand(parent: Command): void {
  parent
    .command('rm <volume...>')
    .description('Remove volumes')
    .option('-f, --force', 'one that does not exist is no error')
    .action((names: string[], { force }: { force?: boolean }, command: Command) =>
      withContext(command, async (ctx) => {
        await forEachTarget(names, async (name) => {
          try {
            removeVolume(ctx, name)
          } catch (error) {
            if (force !== true || !hasCode(error, 'NOT_FOUND')) throw error
          }
          ctx.stdout.line(name)
        })
      }),
    )
}
