import type { Command } from 'commander'
import { exitCodes, hasCode } from '../../errors.ts'
import { findContainer } from '../../store/containers.ts'
import { withContext } from '../context.ts'

export function addContainerExistsCommand(parent: Command): void {
  parent
    .command('exists <container>')
    .description('Exit with 0 if there is such a container, with 1 if not; print nothing')
    .action((name: string, _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        try {
          findContainer(ctx.database, ctx.namespace, name)
        } catch (error) {
          if (!hasCode(error, 'NOT_FOUND')) throw error
          process.exitCode = exitCodes.failure
        }
      }),
    )
}
