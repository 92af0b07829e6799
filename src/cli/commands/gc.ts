import type { Command } from 'commander'
import { collectGarbage, findGarbage, type Garbage } from '../../gc/collect-garbage.ts'
import { withContext } from '../context.ts'
import { escapeControls } from '../render/escape.ts'
import { humanSize } from '../render/human-size.ts'
import { throwAll } from '../targets.ts'

export function addGcCommand(parent: Command): void {
  parent
    .command('gc')
    .description('Remove what no image, container or mount needs, and say why')
    .option('--dry-run', 'only say what would be removed')
    .action(({ dryRun }: { dryRun?: boolean }, command: Command) =>
      withContext(command, async (ctx) => {
        const failures: unknown[] = []
        const onFailure = (error: unknown): void => void failures.push(error)
        const garbage = dryRun === true ? findGarbage(ctx) : collectGarbage(ctx, { onFailure })
        for (const line of linesOf(garbage)) ctx.stdout.line(escapeControls(line))
        const title = dryRun === true ? 'Total reclaimable space' : 'Total reclaimed space'
        ctx.stdout.line(`${title}: ${humanSize(garbage.reclaimedBytes)}`)
        throwAll(failures)
      }),
    )
}

function linesOf({ blobs, snapshots, ingests, orphans, leases }: Garbage): string[] {
  return [
    ...section('Blobs', blobs, ({ digest }) => digest),
    ...section('Snapshots', snapshots, ({ key }) => key),
    ...section('Unfinished downloads', ingests, ({ ref }) => ref),
    ...section('Leftovers', orphans, ({ path }) => path),
    ...(leases.length === 0
      ? []
      : ['Leases:', ...leases.map(({ purpose, reason }) => `${purpose}: ${reason}`), '']),
  ]
}

function section<T extends { readonly sizeBytes: number; readonly reason: string }>(
  title: string,
  items: readonly T[],
  name: (item: T) => string,
): string[] {
  if (items.length === 0) return []
  const lines = items.map((item) => `${name(item)} ${humanSize(item.sizeBytes)}: ${item.reason}`)
  return [`${title}:`, ...lines, '']
}
