import type { Command } from 'commander'
import type { RestartPolicy } from '../../container/config.ts'
import { parsePublish } from '../../container/flag-values/publish.ts'
import { parseRestartPolicy } from '../../container/flag-values/restart-policy.ts'
import { updatePorts } from '../../container/networks/update-ports.ts'
import { updateLimits } from '../../container/update.ts'
import { TsctrError } from '../../errors.ts'
import type { PortRequest } from '../../network/allocate-ports.ts'
import { withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'
import { forEachTarget } from '../targets.ts'
import { addLimitFlags, type LimitFlags, limitsFrom } from './limit-flags.ts'

interface UpdateFlags extends LimitFlags {
  readonly publishAdd?: readonly (readonly PortRequest[])[]
  readonly publishRm?: readonly (readonly PortRequest[])[]
  readonly restart?: RestartPolicy
}

/** Source: docker update */
export function addUpdateCommand(parent: Command): void {
  const update = parent.command('update <container...>')
  addLimitFlags(update)
    .description(
      'Change limits, the restart policy and published ports of containers, also of running ones',
    )
    .option(
      '--restart <policy>',
      'no, on-failure[:max-retries], always or unless-stopped',
      single('--restart', parseRestartPolicy),
    )
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
      const limits = limitsFrom(flags)
      const add = flags.publishAdd?.flat() ?? []
      const remove = flags.publishRm?.flat() ?? []
      const changesPorts = add.length + remove.length > 0
      const changesLimits = Object.keys(limits).length > 0 || flags.restart !== undefined
      if (!changesPorts && !changesLimits) {
        throw new TsctrError('INVALID_ARGUMENT', 'update: no flag says what to change', {
          hint: 'tsctr update --help',
        })
      }
      return withContext(command, async (ctx) => {
        await forEachTarget(names, async (name) => {
          if (changesPorts) await updatePorts(ctx, { name, add, remove })
          if (changesLimits) {
            await updateLimits(ctx, { name, limits, restartPolicy: flags.restart })
          }
          ctx.stdout.line(name)
        })
      })
    })
}
