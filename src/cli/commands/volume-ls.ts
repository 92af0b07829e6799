import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { listVolumes, type VolumeRecord, volumeUsers } from '../../store/volumes.ts'
import { volumeSize } from '../../volume/prune-volumes.ts'
import { volumeDirectories } from '../../volume/volume-directories.ts'
import {
  parseVolumeFilter,
  passesVolumeFilters,
  type VolumeFilter,
} from '../../volume/volume-filters.ts'
import { type Context, withContext } from '../context.ts'
import { repeated } from '../flag-parser.ts'
import { labelHeader, type Row, type RowLayout, renderRows } from '../render/format.ts'
import { humanSize } from '../render/human-size.ts'

interface VolumeLsFlags {
  readonly quiet?: boolean
  readonly size?: boolean
  readonly format?: string
  readonly filter?: readonly VolumeFilter[]
}

/** Source: docker volume ls, "Format the output"; nerdctl volume ls --size */
const layout: RowLayout = {
  headers: {
    Driver: 'DRIVER',
    Name: 'VOLUME NAME',
    Scope: 'SCOPE',
    Mountpoint: 'MOUNTPOINT',
    Labels: 'LABELS',
    Label: labelHeader,
    Links: 'LINKS',
    Size: 'SIZE',
  },
  table: ['Driver', 'Name'],
}

export function addVolumeLsCommand(parent: Command): void {
  parent
    .command('ls')
    .description('List volumes')
    .option('-q, --quiet', 'print names alone')
    .option('-s, --size', 'with the size of each')
    .option('--format <format>', "'table', 'json', a Go template, or 'table TEMPLATE'")
    .option(
      '-f, --filter <key=value>',
      'dangling, driver, label, name',
      repeated('--filter', parseVolumeFilter),
    )
    .action((flags: VolumeLsFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const volumes = ctx.hasDatabase ? wanted(ctx, flags.filter ?? []) : []
        if (flags.quiet === true)
          return ctx.stdout.write(volumes.map((v) => `${v.name}\n`).join(''))
        const table = flags.size === true ? [...layout.table, 'Size'] : layout.table
        const rows = volumes.map((volume) => rowOf(ctx, volume))
        const options = { format: flags.format, isTerminal: isatty(1) }
        ctx.stdout.write(renderRows(rows, { ...layout, table }, options))
      }),
    )
}

function wanted(ctx: Context, filters: readonly VolumeFilter[]): VolumeRecord[] {
  return listVolumes(ctx.database).filter((volume) =>
    passesVolumeFilters(ctx.database, volume, filters),
  )
}

/** What takes a walk or a query is worked out only if the format shows it. */
function rowOf(ctx: Context, { name, driver, labels }: VolumeRecord): Row {
  return {
    Name: name,
    Driver: driver,
    Scope: 'local',
    Mountpoint: volumeDirectories(ctx.dataRoot, name).data,
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(','),
    Label: (key: string) => (Object.hasOwn(labels, key) ? labels[key] : ''),
    get Links() {
      return String(volumeUsers(ctx.database, name).length)
    },
    get Size() {
      return humanSize(volumeSize(ctx.dataRoot, name))
    },
  }
}
