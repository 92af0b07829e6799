import type { Command } from 'commander'
import { parseContainerName } from '../../container/flag-values/names.ts'
import { refreshHostNames } from '../../container/networks/host-names.ts'
import { renameContainer } from '../../container/rename.ts'
import { networksOf } from '../../network/addresses.ts'
import { withContext } from '../context.ts'
import { single } from '../flag-parser.ts'

export function addRenameCommand(parent: Command): void {
  parent
    .command('rename <container>')
    .description('Give a container another name')
    .argument('<name>', 'the new one', single('name', parseContainerName))
    .action((from: string, to: string, _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        const id = renameContainer(ctx, { from, to })
        await refreshHostNames(ctx, networksOf(ctx.database, id))
      }),
    )
}
