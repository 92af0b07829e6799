import type { Command } from 'commander'
import type { NetworkFilter } from '../../container/networks/list-networks.ts'
import { parseNetworkFilter } from '../../container/networks/network-filters.ts'
import { pruneNetworks } from '../../container/networks/prune-networks.ts'
import { confirm } from '../confirm.ts'
import { withContext } from '../context.ts'
import { repeated } from '../flag-parser.ts'
import { onlyKinds } from '../prune-filters.ts'

interface NetworkPruneFlags {
  readonly force?: boolean
  readonly filter?: readonly NetworkFilter[]
}

export const pruneFilter = onlyKinds(parseNetworkFilter, ['until', 'label', 'label!'])

/** Source: docker network prune */
export function addNetworkPruneCommand(parent: Command): void {
  parent
    .command('prune')
    .description('Remove networks that no container has')
    .option('-f, --force', 'do not ask')
    .option(
      '--filter <key=value>',
      'until=TIME, label[!]=KEY[=VALUE]',
      repeated('--filter', pruneFilter),
    )
    .action(({ force, filter = [] }: NetworkPruneFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const warning =
          'WARNING! This will remove all custom networks not used by at least one container.'
        if (force !== true && !confirm(ctx.stdout, warning, 'network prune')) return
        const removed = await pruneNetworks(ctx, filter)
        ctx.stdout.write(prunedText(removed))
      }),
    )
}

/** What went, with an empty line after it; nothing if nothing went. Source: docker network prune */
export function prunedText(removed: readonly string[]): string {
  return removed.length === 0 ? '' : `Deleted Networks:\n${removed.join('\n')}\n\n`
}
