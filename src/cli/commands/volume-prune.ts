import type { Command } from 'commander'
import { type PrunedVolumes, pruneVolumes } from '../../volume/prune-volumes.ts'
import { parseVolumeFilter, type VolumeFilter } from '../../volume/volume-filters.ts'
import { confirm } from '../confirm.ts'
import { withContext } from '../context.ts'
import { repeated } from '../flag-parser.ts'
import { humanSize } from '../render/human-size.ts'

interface VolumePruneFlags {
  readonly all?: boolean
  readonly force?: boolean
  readonly filter?: readonly VolumeFilter[]
}

export function addVolumePruneCommand(parent: Command): void {
  parent
    .command('prune')
    .description('Remove anonymous volumes that no container has')
    .option('-a, --all', 'those with a name too')
    .option('-f, --force', 'do not ask')
    .option('--filter <key=value>', 'label[!]=KEY[=VALUE]', repeated('--filter', parseVolumeFilter))
    .action(({ all, force, filter = [] }: VolumePruneFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const which = all === true ? 'all volumes' : 'anonymous local volumes'
        const warning = `WARNING! This will remove ${which} not used by at least one container.`
        if (force !== true && !confirm(ctx.stdout, warning, 'volume prune')) return
        const pruned = pruneVolumes(ctx, { isAll: all === true, filters: filter })
        ctx.stdout.write(prunedText(pruned))
        ctx.stdout.line(`Total reclaimed space: ${humanSize(pruned.reclaimedBytes)}`)
      }),
    )
}

/** What went, with an empty line after it; nothing if nothing went. Source: docker volume prune */
export function prunedText({ deleted }: PrunedVolumes): string {
  return deleted.length === 0 ? '' : `Deleted Volumes:\n${deleted.join('\n')}\n\n`
}
