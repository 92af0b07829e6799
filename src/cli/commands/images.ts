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
        if (flags.quiet === true && isTable(format)) {
          ctx.stdout.write(images.map(({ id }) => `${trunc ? shortId(id) : id}\n`).join(''))
          return
        }
        const table = layout.table.flatMap((field) =>
          field === 'ID' && flags.digests === true ? ['Digest', field] : [field],
        )
        const view = { now: new Date(), trunc }
        const shown = isTable(format) ? table : undefined
        const rows = images.map((image) => rowOf(image, view, shown))
        ctx.stdout.write(renderRows(rows, { ...layout, table }, { format, isTerminal: isatty(1) }))
      })
    })
}

function isTable(format: string | undefined): boolean {
  return format === undefined || ['', 'table'].includes(format.trim())
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

interface View {
  readonly now: Date
  readonly trunc: boolean
}

const columns: Readonly<Record<string, (image: ListedImage, view: View) => string>> = {
  Repository: ({ reference }) => familiarRepository(reference),
  // docker shows what was pulled by its digest without a tag.
  Tag: ({ reference }) => (reference.digest === undefined ? (reference.tag ?? none) : none),
  Digest: ({ target }) => target.digest,
  ID: ({ id }, { trunc }) => (trunc ? shortId(id) : id),
  CreatedSince: ({ createdAt }, { now }) =>
    createdAt === undefined ? 'N/A' : humanAge(createdAt, now),
  CreatedAt: ({ createdAt }) => (createdAt === undefined ? 'N/A' : localTime(createdAt)),
  Size: ({ sizeBytes }) => sizeText(sizeBytes),
  VirtualSize: ({ sizeBytes }) => sizeText(sizeBytes),
  SharedSize: ({ sharedBytes }) => sizeText(sharedBytes),
  UniqueSize: ({ sizeBytes = 0, sharedBytes }) =>
    sizeText(sharedBytes === undefined ? undefined : sizeBytes - sharedBytes),
  BlobSize: ({ blobBytes }) => sizeText(blobBytes),
  Containers: ({ containers }) => String(containers),
  Name: ({ name }) => name,
  Platform: ({ facts }) => (facts === undefined ? none : formatPlatform(facts.platform)),
}

/**
 * @param fields  all that will be shown, where that is known; else every field is a getter, which
 *                costs more than all the rest where there are hundreds of images
 */
export function rowOf(image: ListedImage, view: View, fields?: readonly string[]): Row {
  if (fields !== undefined) {
    return Object.fromEntries(fields.map((field) => [field, columns[field]?.(image, view)]))
  }
  const row = {}
  for (const [field, textOf] of Object.entries(columns)) {
    Object.defineProperty(row, field, { enumerable: true, get: () => textOf(image, view) })
  }
  return row
}

function sizeText(bytes: number | undefined): string {
  return bytes === undefined ? none : humanSize(bytes, tableDigits)
}
