import type { Command } from 'commander'
import { parsePublish } from '../../container/flag-values/publish.ts'
import { updatePorts } from '../../container/networks/update-ports.ts'
import { TsctrError } from '../../errors.ts'
import type { PortRequest } from '../../network/allocate-ports.ts'
import { withContext } from '../context.ts'
import { repeated } from '../flag-parser.ts'
import { forEachTarget } from '../targets.ts'

interface UpdateFlags {
  readonly publishAdd?: readonly (readonly PortRequest[])[]
  readonly publishRm?: readonly (readonly PortRequest[])[]
}

export function addUpdateCommand(parent: Command): void {
  parent
    .command('update <container...>')
    .description('Change the published ports of containers, running or not')
    .option(
      '--publish-add <port>',
      'publish a port, as run -p',
      repeated('--publish-add', parsePublish),
    )
    .option(
      '--publish-rm <port>',
      'publish a port no more: PORT[/PROTOCOL], or as it was published',
      repeated('--publish-rm', parsePublish),
    )
    .action((names: string[], flags: UpdateFlags, command: Command) => {
      const add = flags.publishAdd?.flat() ?? []
      const remove = flags.publishRm?.flat() ?? []
      if (add.length + remove.length === 0) {
        throw new TsctrError('INVALID_ARGUMENT', 'update: nothing to change', {
          hint: 'give --publish-add or --publish-rm',
        })
      }
      return withContext(command, (ctx) =>
        forEachTarget(names, async (name) => {
          await updatePorts(ctx, { name, add, remove })
          ctx.stdout.line(name)
        }),
      )
    })
}
