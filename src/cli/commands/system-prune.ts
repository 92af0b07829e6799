import type { Command } from 'commander'
import type { ContainerFilter } from '../../container/container-filters.ts'
import { pruneImages } from '../../gc/prune-images.ts'
import type { ImageFilter } from '../../image/image-filters.ts'
import { confirm } from '../confirm.ts'
import { withContext } from '../context.ts'
import { repeated } from '../flag-parser.ts'
import { wantedPlatform } from '../image-platform.ts'
import { humanSize } from '../render/human-size.ts'
import {
  pruneFilter as containerFilter,
  prunedText as containersText,
  pruneReported,
} from './container-prune.ts'
import { pruneFilter as imageFilter, prunedText as imagesText, whichImages } from './image-prune.ts'

interface SystemPruneFlags {
  readonly all?: boolean
  readonly force?: boolean
  readonly filter?: readonly Filters[]
}

/** One filter as each kind of thing reads it. */
interface Filters {
  readonly text: string
  readonly container: ContainerFilter
  readonly image: ImageFilter
}

export function addSystemPruneCommand(parent: Command): void {
  parent
    .command('prune')
    .description('Remove stopped containers, images that nobody needs, and leftovers')
    .option(
      '-a, --all',
      'all images that no container was made from, not only those without a name',
    )
    .option('-f, --force', 'do not ask')
    .option(
      '--filter <key=value>',
      'until=TIME, label[!]=KEY[=VALUE]',
      repeated('--filter', (text): Filters => {
        return { text, container: containerFilter(text), image: imageFilter(text) }
      }),
    )
    .action(({ all, force, filter = [] }: SystemPruneFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const isAll = all === true
        if (force !== true && !confirm(ctx.stdout, warningText(isAll, filter), 'system prune')) {
          return
        }
        const containers = await pruneReported(
          ctx,
          filter.map((each) => each.container),
        )
        ctx.stdout.write(containersText(containers))
        const filters = filter.map((each) => each.image)
        const images = pruneImages(ctx, { platform: wantedPlatform(), isAll, filters })
        ctx.stdout.write(imagesText(images))
        const reclaimedBytes = containers.reclaimedBytes + images.reclaimedBytes
        ctx.stdout.line(`Total reclaimed space: ${humanSize(reclaimedBytes)}`)
      }),
    )
}

/** Source: docker system prune */
function warningText(isAll: boolean, filters: readonly Filters[]): string {
  return [
    'WARNING! This will remove:',
    '  - all stopped containers',
    `  - ${whichImages(isAll)}`,
    '  - what interrupted commands have left behind',
    ...(filters.length === 0 ? [] : ['', '  Items to be pruned will be filtered with:']),
    ...filters.map(({ text }) => `  - ${text}`),
    '',
  ].join('\n')
}
