import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { ContainerImages } from '../../container/container-images.ts'
import { containerSize } from '../../container/container-size.ts'
import { containersUsage } from '../../container/disk-usage.ts'
import { type ListedContainer, listForPs } from '../../container/list-containers.ts'
import { garbageUsage, imageUsage, type Usage } from '../../gc/disk-usage.ts'
import { listLocalImages } from '../../image/list-images.ts'
import { type PublishedPort, portsOf } from '../../network/ports.ts'
import { listVolumeUsage, volumesUsage } from '../../volume/disk-usage.ts'
import { type Context, withContext } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'
import { type Row, type RowLayout, renderRows, rowRenderer } from '../render/format.ts'
import { humanSize } from '../render/human-size.ts'
import { rowOf as imageRow, layout as imagesLayout } from './images.ts'
import { psLayout, psRow } from './ps-row.ts'

interface SystemDfFlags {
  readonly verbose?: boolean
  readonly format?: string
}

export function addSystemDfCommand(parent: Command): void {
  parent
    .command('df')
    .description('Show how much space images, containers, volumes and leftovers take')
    .option('-v, --verbose', 'each image, container and volume')
    .option('--format <format>', "'table', 'json', a Go template, or 'table TEMPLATE'")
    .action((flags: SystemDfFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const containers = await listForPs(ctx, {
          isAll: true,
          filters: [],
          onProblem: (error) => {
            ctx.stderr.line(`WARNING: ${error instanceof Error ? error.message : String(error)}`)
          },
        })
        const format = flags.format?.trim() ?? ''
        const text = flags.verbose === true ? verboseText : summaryText
        ctx.stdout.write(text(ctx, containers, format))
      }),
    )
}

/** Source: docker system df */
const layout: RowLayout = {
  headers: {
    Type: 'TYPE',
    TotalCount: 'TOTAL',
    Active: 'ACTIVE',
    Size: 'SIZE',
    Reclaimable: 'RECLAIMABLE',
  },
  table: ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'],
}

const volumesLayout: RowLayout = {
  headers: { Name: 'VOLUME NAME', Links: 'LINKS', Size: 'SIZE' },
  table: ['Name', 'Links', 'Size'],
}

function summaryText(ctx: Context, containers: readonly ListedContainer[], format: string): string {
  const rows = [
    usageRow('Images', imageUsage(ctx, wantedPlatform())),
    usageRow('Containers', containersUsage(ctx, containers)),
    usageRow('Local Volumes', volumesUsage(ctx)),
    // What `tsctr gc` takes; docker has no such thing to show.
    usageRow('Leftovers', garbageUsage(ctx)),
  ]
  return renderRows(rows, layout, { format, isTerminal: isatty(1) })
}

function usageRow(type: string, { total, active, sizeBytes, reclaimableBytes }: Usage): Row {
  const share = sizeBytes === 0 ? '' : ` (${Math.floor((reclaimableBytes * 100) / sizeBytes)}%)`
  return {
    Type: type,
    TotalCount: String(total),
    Active: String(active),
    Size: humanSize(sizeBytes),
    Reclaimable: `${humanSize(reclaimableBytes)}${share}`,
  }
}

/** Three tables, or one object with all lists for a format. Source: docker system df -v */
function verboseText(ctx: Context, containers: readonly ListedContainer[], format: string): string {
  const now = new Date()
  const images = listLocalImages(ctx, wantedPlatform()).map((image) =>
    imageRow(image, { now, trunc: true }),
  )
  const containerImages = new ContainerImages(ctx)
  const rows = containers.map((container) => {
    const size = containerSize(ctx, container.record)
    const ports = (id: string): PublishedPort[] => portsOf(ctx.database, id)
    return psRow(container, { images: containerImages, now, ports, trunc: true, size })
  })
  const volumes = listVolumeUsage(ctx).map(({ name, users, sizeBytes }) => ({
    Name: name,
    Links: String(users),
    Size: humanSize(sizeBytes),
  }))
  if (format !== '' && format !== 'table') {
    const render = rowRenderer({ format, isTerminal: isatty(1) })
    return render({ Images: images, Containers: rows, Volumes: volumes })
  }
  const { table } = imagesLayout
  const imageFields = [...table, 'SharedSize', 'UniqueSize', 'Containers']
  const containerFields = ['ID', 'Image', 'Command', 'Size', 'RunningFor', 'Status', 'Names']
  return [
    'Images space usage:\n\n',
    renderRows(images, { ...imagesLayout, table: imageFields }),
    '\nContainers space usage:\n\n',
    renderRows(rows, { ...psLayout, table: containerFields }),
    '\nLocal Volumes space usage:\n\n',
    renderRows(volumes, volumesLayout),
  ].join('')
}
