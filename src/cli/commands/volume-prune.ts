import type { Command } from 'commander'
import { type PrunedVolumes, pruneVolumes } from '../../volume/prune-volumes.ts'
import { parseVolumeFilter, type VolumeFilter } from '../../volume/volume-filters.ts'
import { confirm } from '../confirm.ts'
import { withContext } from '../context.ts'
import { repeated } from '../flag-parser.ts'
import { onlyKinds } from '../prune-filters.ts'
import { humanSize } from '../render/human-size.ts'

interface VolumePruneFlags {
  readonly all?: boolean
  readonly force?: boolean
  readonly filter?: readonly (VolumeFilter | 'all' | 'anonymous')[]
}

const labelFilter = onlyKinds(parseVolumeFilter, ['label', 'label!'])

/** `all` is what -a says. Source: docker volume prune, "Filtering" */
function pruneFilter(text: string): VolumeFilter | 'all' | 'anonymous' {
  if (/^all=(true|1)$/.test(text)) return 'all'
  if (/^all=(false|0)$/.test(text)) return 'anonymous'
  return labelFilter(text)
}

export function addVolumePruneCommand(parent: Command): void {
  parent
    .command('prune')
    .description('Remove anonymous volumes that no container has')
    .option('-a, --all', 'those with a name too')
    .option('-f, --force', 'do not ask')
    .option(
      '--filter <key=value>',
      'all=true, label[!]=KEY[=VALUE]',
      repeated('--filter', pruneFilter),
    )
    .action(({ all, force, filter: given = [] }: VolumePruneFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const isAll = all === true || given.includes('all')
        const filter = given.filter((one) => one !== 'all' && one !== 'anonymous')
        const which = isAll ? 'all volumes' : 'anonymous local volumes'
        const warning = `WARNING! This will remove ${which} not used by at least one container.`
        if (force !== true && !confirm(ctx.stdout, warning, 'volume prune')) return
        const pruned = pruneVolumes(ctx, { isAll, filters: filter })
        ctx.stdout.write(prunedText(pruned))
        ctx.stdout.line(`Total reclaimed space: ${humanSize(pruned.reclaimedBytes)}`)
      }),
    )
}

/** What went, with an empty line after it; nothing if nothing went. Source: docker volume prune */
export function prunedText({ deleted }: PrunedVolumes): string {
  return deleted.length === 0 ? '' : `Deleted Volumes:\n${deleted.join('\n')}\n\n`
}
