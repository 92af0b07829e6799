import type { Command } from 'commander'
import { type PrunedImages, pruneImages } from '../../gc/prune-images.ts'
import { parseDiskSize } from '../../image/disk-size.ts'
import { type ImageFilter, parseImageFilter } from '../../image/image-filters.ts'
import { confirm } from '../confirm.ts'
import { withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'
import { wantedPlatform } from '../image-platform.ts'
import { onlyKinds } from '../prune-filters.ts'
import { humanSize } from '../render/human-size.ts'
import { throwAll } from '../targets.ts'

interface ImagePruneFlags {
  readonly all?: boolean
  readonly force?: boolean
  readonly filter?: readonly ImageFilter[]
  readonly keepSize?: number
}

export const pruneFilter = onlyKinds(parseImageFilter, [
  'until',
  'label',
  'label!',
  'dangling',
  'unused-for',
])

export function addImagePruneCommand(parent: Command): void {
  parent
    .command('prune')
    .description('Remove images without a name, or all that no container was made from')
    .option('-a, --all', 'those with a name too')
    .option('-f, --force', 'do not ask')
    .option(
      '--filter <key=value>',
      'until=TIME, label[!]=KEY[=VALUE], dangling=BOOL; unused-for=SPAN (7d, 36h): with -a, those neither pulled nor used since',
      repeated('--filter', pruneFilter),
    )
    .option(
      '--keep-size <size>',
      'with -a, those longest unused first, until blobs and layers take no more (20GB)',
      single('--keep-size', parseDiskSize),
    )
    .action((flags: ImagePruneFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const { isAll, filters } = pruneScope(flags)
        const { keepSize: keepBytes } = flags
        const warning = `WARNING! This will remove ${whichImages(isAll, keepBytes)}.`
        if (flags.force !== true && !confirm(ctx.stdout, warning, 'image prune')) return
        const failures: unknown[] = []
        const onFailure = (error: unknown): void => void failures.push(error)
        const platform = wantedPlatform()
        const pruned = pruneImages(ctx, { platform, isAll, filters, keepBytes, onFailure })
        ctx.stdout.write(prunedText(pruned))
        ctx.stdout.line(`Total reclaimed space: ${humanSize(pruned.reclaimedBytes)}`)
        if (keepBytes !== undefined && pruned.keptBytes > keepBytes) {
          const size = humanSize(pruned.keptBytes)
          ctx.stderr.line(`WARNING: what is left is in use or kept by a filter, and takes ${size}`)
        }
        throwAll(failures)
      }),
    )
}

/** Which images the flags mean: as with docker, `dangling` says the same as -a. */
export function pruneScope({ all, filter = [], keepSize }: ImagePruneFlags): {
  readonly isAll: boolean
  readonly filters: readonly ImageFilter[]
} {
  const dangling = filter.findLast((each) => each.kind === 'dangling')
  const isOwn = keepSize !== undefined || filter.some(({ kind }) => kind === 'unused-for')
  return {
    isAll: dangling === undefined ? all === true || isOwn : !dangling.isDangling,
    filters: filter.filter(({ kind }) => kind !== 'dangling'),
  }
}

export function whichImages(isAll: boolean, keepBytes?: number): string {
  if (!isAll) return 'all dangling images'
  const all = 'all images without at least one container associated to them'
  if (keepBytes === undefined) return all
  return `${all}, those longest unused first, until they take no more than ${humanSize(keepBytes)}`
}

/** What went, with an empty line after it; nothing if nothing went. Source: docker image prune */
export function prunedText({ untagged, deleted }: PrunedImages): string {
  const lines = [
    ...untagged.map((name) => `untagged: ${name}`),
    ...deleted.map((id) => `deleted: ${id}`),
  ]
  return lines.length === 0 ? '' : `Deleted Images:\n${lines.join('\n')}\n\n`
}
