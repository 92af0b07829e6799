import type { Command } from 'commander'
import { type ContainerFilter, parseContainerFilter } from '../../container/container-filters.ts'
import { type PrunedContainers, pruneContainers } from '../../container/prune.ts'
import { TsctrError } from '../../errors.ts'
import { confirm } from '../confirm.ts'
import { type Context, withContext } from '../context.ts'
import { repeated } from '../flag-parser.ts'
import { onlyKinds } from '../prune-filters.ts'
import { humanSize } from '../render/human-size.ts'

interface ContainerPruneFlags {
  readonly force?: boolean
  readonly filter?: readonly ContainerFilter[]
}

export const pruneFilter = onlyKinds(parseContainerFilter, ['until', 'label', 'label!'])

export function addContainerPruneCommand(parent: Command): void {
  parent
    .command('prune')
    .description('Remove all containers that do not run')
    .option('-f, --force', 'do not ask')
    .option(
      '--filter <key=value>',
      'until=TIME, label[!]=KEY[=VALUE]',
      repeated('--filter', pruneFilter),
    )
    .action(({ force, filter = [] }: ContainerPruneFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const warning = 'WARNING! This will remove all stopped containers.'
        if (force !== true && !confirm(ctx.stdout, warning, 'container prune')) return
        const pruned = await pruneReported(ctx, filter)
        ctx.stdout.write(prunedText(pruned))
        ctx.stdout.line(`Total reclaimed space: ${humanSize(pruned.reclaimedBytes)}`)
      }),
    )
}

/** A container that cannot be removed keeps none of the others; it is told, and exits with 1. */
export async function pruneReported(
  ctx: Context,
  filters: readonly ContainerFilter[],
): Promise<PrunedContainers> {
  return pruneContainers(ctx, {
    filters,
    onProblem: (error) => {
      if (!(error instanceof TsctrError)) throw error
      ctx.stderr.line(`WARNING: ${error.message}`)
      process.exitCode = 1
    },
  })
}

/** What went, with an empty line after it; nothing if nothing went. Source: docker container prune */
export function prunedText({ deleted }: PrunedContainers): string {
  return deleted.length === 0 ? '' : `Deleted Containers:\n${deleted.join('\n')}\n\n`
}
