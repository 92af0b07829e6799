import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { TsctrError } from '../../errors.ts'
import { type ImageFilter, parseImageFilter } from '../../image/image-filters.ts'
import { type ListedImage, listLocalImages } from '../../image/list-images.ts'
import { formatPlatform } from '../../oci/platform.ts'
import { familiarRepository } from '../../oci/reference.ts'
import { withContext } from '../context.ts'
import { repeated } from '../flag-parser.ts'
import { wantedPlatform } from '../image-platform.ts'
import { shortId } from '../render/ellipsis.ts'
import { type Row, type RowLayout, renderRows } from '../render/format.ts'
import { humanAge } from '../render/human-duration.ts'
import { humanSize } from '../render/human-size.ts'
import { localTime } from '../render/local-time.ts'

interface ImagesFlags {
  readonly quiet?: boolean
  readonly digests?: boolean
  /** commander's name for `--no-trunc`. */
  readonly trunc: boolean
  readonly tree?: boolean
  readonly format?: string
  readonly filter?: readonly ImageFilter[]
}

const tableDigits = 3
const none = '<none>'

export function addImagesCommand(parent: Command): void {
  parent
    .command('images [repository[:tag]]')
    .description('List images')
    .option('-a, --all', 'as docker has it; there are no intermediate images to show')
    .option('-q, --quiet', 'print ids alone')
    .option('--no-trunc', 'show whole ids')
    .option('--digests', 'show digests')
    .option('--tree', 'show the platforms of each image, and which of them are here and in use')
    .option('--format <format>', "'table', 'wide', 'json', a Go template, or 'table TEMPLATE'")
    .option(
      '-f, --filter <key=value>',
      'reference=PATTERN, dangling=BOOL, before=IMAGE, since=IMAGE, until=TIME, unused-for=SPAN, label[!]=KEY[=VALUE]',
      repeated('--filter', parseImageFilter),
    )
    .action((pattern: string | undefined, flags: ImagesFlags, command: Command) => {
      if (flags.tree === true) refuseBesideTree(flags)
      return withContext(command, async (ctx) => {
        const named = pattern === undefined ? [] : [parseImageFilter(`reference=${pattern}`)]
        const filters = [...(flags.filter ?? []), ...named]
        if (flags.tree === true) {
          const { treeText } = await import('./images-tree.ts')
          ctx.stdout.write(treeText(ctx, filters, flags.trunc))
          return
        }
        const images = listLocalImages(ctx, wantedPlatform(), filters)
        const { format, trunc } = flags
        if (flags.quiet === true && [undefined, '', 'table'].includes(format)) {
          ctx.stdout.write(images.map(({ id }) => `${trunc ? shortId(id) : id}\n`).join(''))
          return
        }
        const now = new Date()
        const rows = images.map((image) => rowOf(image, { now, trunc }))
        const table = layout.table.flatMap((field) =>
          field === 'ID' && flags.digests === true ? ['Digest', field] : [field],
        )
        ctx.stdout.write(renderRows(rows, { ...layout, table }, { format, isTerminal: isatty(1) }))
      })
    })
}

/** As docker has it: a tree has a form of its own. */
function refuseBesideTree({ quiet, digests, format }: ImagesFlags): void {
  const flag = quiet === true ? '--quiet' : digests === true ? '--digests' : format && '--format'
  if (flag === undefined || flag === '') return
  throw new TsctrError('INVALID_ARGUMENT', `${flag}: not with --tree`)
}

/** Source: docker images, table and "Format the output"; nerdctl images for Name, Platform, BlobSize */
export const layout: RowLayout = {
  headers: {
    Repository: 'REPOSITORY',
    Tag: 'TAG',
    Digest: 'DIGEST',
    ID: 'IMAGE ID',
    CreatedSince: 'CREATED',
    CreatedAt: 'CREATED AT',
    Size: 'SIZE',
    VirtualSize: 'SIZE',
    SharedSize: 'SHARED SIZE',
    UniqueSize: 'UNIQUE SIZE',
    BlobSize: 'BLOB SIZE',
    Containers: 'CONTAINERS',
    Name: 'NAME',
    Platform: 'PLATFORM',
  },
  table: ['Repository', 'Tag', 'ID', 'CreatedSince', 'Size'],
  wide: ['Repository', 'Tag', 'ID', 'CreatedSince', 'Platform', 'Size', 'BlobSize'],
}

/** What a format does not show is not worked out. */
export function rowOf(image: ListedImage, { now, trunc }: { now: Date; trunc: boolean }): Row {
  const { reference, createdAt, facts } = image
  return {
    get Repository() {
      return familiarRepository(reference)
    },
    // docker shows what was pulled by its digest without a tag.
    Tag: reference.digest === undefined ? (reference.tag ?? none) : none,
    Digest: image.target.digest,
    ID: trunc ? shortId(image.id) : image.id,
    get CreatedSince() {
      return createdAt === undefined ? 'N/A' : humanAge(createdAt, now)
    },
    get CreatedAt() {
      return createdAt === undefined ? 'N/A' : localTime(createdAt)
    },
    get Size() {
      return sizeText(image.sizeBytes)
    },
    get VirtualSize() {
      return sizeText(image.sizeBytes)
    },
    get SharedSize() {
      return sizeText(image.sharedBytes)
    },
    get UniqueSize() {
      const { sizeBytes = 0, sharedBytes } = image
      return sizeText(sharedBytes === undefined ? undefined : sizeBytes - sharedBytes)
    },
    get BlobSize() {
      return sizeText(image.blobBytes)
    },
    get Containers() {
      return String(image.containers)
    },
    Name: image.name,
    get Platform() {
      return facts === undefined ? none : formatPlatform(facts.platform)
    },
  }
}

function sizeText(bytes: number | undefined): string {
  return bytes === undefined ? none : humanSize(bytes, tableDigits)
}
