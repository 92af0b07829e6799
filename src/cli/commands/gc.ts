import type { Command } from 'commander'
import { collectGarbage, findGarbage, type Garbage } from '../../gc/collect-garbage.ts'
import { withContext } from '../context.ts'
import { escapeControls } from '../render/escape.ts'
import { humanSize } from '../render/human-size.ts'

export function addGcCommand(parent: Command): void {
  parent
    .command('gc')
    .description('Remove blobs and snapshots that no image and no container needs')
    .option('--dry-run', 'only say what would be removed')
    .action(({ dryRun }: { dryRun?: boolean }, command: Command) =>
      withContext(command, async (ctx) => {
        // What an ingest was fetching is known only while it is there.
        const refs = new Map(ctx.content.ingests().map(({ key, ref }) => [key, ref]))
        const garbage = dryRun === true ? findGarbage(ctx) : collectGarbage(ctx)
        for (const part of partsOf(garbage, refs)) ctx.stdout.line(part)
        const title = dryRun === true ? 'Total reclaimable space' : 'Total reclaimed space'
        ctx.stdout.line(`${title}: ${humanSize(garbage.reclaimedBytes)}`)
      }),
    )
}

function partsOf(
  { blobs, snapshots, ingests }: Garbage,
  refs: ReadonlyMap<string, string>,
): string[] {
  const parts = [
    ...section(
      'Blobs',
      blobs.map(({ digest, sizeBytes }) => `${digest} ${humanSize(sizeBytes)}`),
    ),
    ...section(
      'Snapshots',
      snapshots.map(({ key, sizeBytes }) => `${key} ${humanSize(sizeBytes)}`),
    ),
    ...section(
      'Unfinished downloads',
      ingests.map((key) => refs.get(key) ?? key),
    ),
  ]
  return parts.map((part) => (part === '' ? part : escapeControls(part)))
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines, '']
}
