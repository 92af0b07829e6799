import type { Command } from 'commander'
import type { ContainerFilter } from '../../container/container-filters.ts'
import type { NetworkFilter } from '../../container/networks/list-networks.ts'
import { pruneNetworks } from '../../container/networks/prune-networks.ts'
import { TsctrError } from '../../errors.ts'
import { pruneImages } from '../../gc/prune-images.ts'
import type { ImageFilter } from '../../image/image-filters.ts'
import { pruneVolumes } from '../../volume/prune-volumes.ts'
import { parseVolumeFilter, type VolumeFilter } from '../../volume/volume-filters.ts'
import { confirm } from '../confirm.ts'
import { withContext } from '../context.ts'
import { repeated } from '../flag-parser.ts'
import { wantedPlatform } from '../image-platform.ts'
import { humanSize } from '../render/human-size.ts'
import { throwAll } from '../targets.ts'
import {
  pruneFilter as containerFilter,
  prunedText as containersText,
  pruneReported,
} from './container-prune.ts'
import { pruneFilter as imageFilter, prunedText as imagesText, whichImages } from './image-prune.ts'
import { pruneFilter as networkFilter, prunedText as networksText } from './network-prune.ts'
import { prunedText as volumesText } from './volume-prune.ts'

interface SystemPruneFlags {
  readonly all?: boolean
  readonly force?: boolean
  readonly volumes?: boolean
  readonly filter?: readonly Filters[]
}

/** One filter as each kind of thing reads it. */
interface Filters {
  readonly text: string
  readonly container: ContainerFilter
  readonly image: ImageFilter
  readonly network: NetworkFilter
  /** undefined where volumes have no such thing. */
  readonly volume: VolumeFilter | undefined
}

export function addSystemPruneCommand(parent: Command): void {
  parent
    .command('prune')
    .description('Remove stopped containers, networks and images that nobody needs, and leftovers')
    .option('--volumes', 'anonymous volumes that no container has, too')
    .option(
      '-a, --all',
      'all images that no container was made from, not only those without a name',
    )
    .option('-f, --force', 'do not ask')
    .option(
      '--filter <key=value>',
      'until=TIME, label[!]=KEY[=VALUE]',
      repeated('--filter', (text): Filters => {
        const image = imageFilter(text)
        const volume = /^label!?=/.test(text) ? parseVolumeFilter(text) : undefined
        const [container, network] = [containerFilter(text), networkFilter(text)]
        return { text, container, image, network, volume }
      }),
    )
    .action((flags: SystemPruneFlags, command: Command) => {
      const { all, force, filter = [] } = flags
      const isAll = all === true
      const takesVolumes = flags.volumes === true
      const volumeFilters = filter.flatMap(({ volume }) => volume ?? [])
      if (takesVolumes && volumeFilters.length < filter.length) {
        throw new TsctrError('INVALID_ARGUMENT', '--filter until: not with --volumes')
      }
      return withContext(command, async (ctx) => {
        const warning = warningText(isAll, takesVolumes, filter)
        if (force !== true && !confirm(ctx.stdout, warning, 'system prune')) return
        const containers = await pruneReported(
          ctx,
          filter.map((each) => each.container),
        )
        ctx.stdout.write(containersText(containers))
        const networks = await pruneNetworks(
          ctx,
          filter.map((each) => each.network),
        )
        ctx.stdout.write(networksText(networks))
        const volumes = takesVolumes
          ? pruneVolumes(ctx, { isAll: false, filters: volumeFilters })
          : { deleted: [], reclaimedBytes: 0 }
        ctx.stdout.write(volumesText(volumes))
        const failures: unknown[] = []
        const images = pruneImages(ctx, {
          platform: wantedPlatform(),
          isAll,
          filters: filter.map((each) => each.image),
          onFailure: (error) => void failures.push(error),
        })
        ctx.stdout.write(imagesText(images))
        const parts = [containers, volumes, images]
        const reclaimedBytes = parts.reduce((sum, part) => sum + part.reclaimedBytes, 0)
        ctx.stdout.line(`Total reclaimed space: ${humanSize(reclaimedBytes)}`)
        throwAll(failures)
      })
    })
}

/** Source: docker system prune */
function warningText(isAll: boolean, takesVolumes: boolean, filters: readonly Filters[]): string {
  return [
    'WARNING! This will remove:',
    '  - all stopped containers',
    '  - all networks not used by at least one container',
    ...(takesVolumes ? ['  - all anonymous volumes not used by at least one container'] : []),
    `  - ${whichImages(isAll)}`,
    '  - what interrupted commands have left behind',
    ...(filters.length === 0 ? [] : ['', '  Items to be pruned will be filtered with:']),
    ...filters.map(({ text }) => `  - ${text}`),
    '',
  ].join('\n')
}
