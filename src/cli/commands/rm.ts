import type { Command } from 'commander'
import { removeContainer } from '../../container/remove.ts'
import { hasCode } from '../../errors.ts'
import { withContext } from '../context.ts'
import { forEachTarget } from '../targets.ts'

interface RmFlags {
  readonly force?: boolean
  readonly volumes?: boolean
}

export function addRmCommand(parent: Command): void {
  parent
    .command('rm <container...>')
    .description('Remove containers')
    .option('-f, --force', 'kill them first if they run; one that does not exist is no error')
    .option('-v, --volumes', 'remove their anonymous volumes too')
    .action((names: string[], flags: RmFlags, command: Command) =>
      withContext(command, async (ctx) => {
        await forEachTarget(names, async (name) => {
          try {
            await removeContainer(ctx, {
              name,
              isForced: flags.force === true,
              removesVolumes: flags.volumes === true,
            })
          } catch (error) {
            if (flags.force !== true || !hasCode(error, 'NOT_FOUND')) throw error
            ctx.stderr.line(error.message)
            return
          }
          ctx.stdout.line(name)
        })
      }),
    )
}
