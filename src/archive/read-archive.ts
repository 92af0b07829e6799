import { Header, Pax } from 'tar'
import { TsctrError } from '../errors.ts'
import { ChunkReader } from './chunk-reader.ts'
import { cleanName, shownName } from './entry-name.ts'

export type ReadEntry =
  | { readonly kind: 'directory'; readonly name: string }
  /** `target` is the name that it leads to, within the archive. */
  | { readonly kind: 'symlink'; readonly name: string; readonly target: string }
  | {
      readonly kind: 'file'
      readonly name: string
      readonly sizeBytes: number
      /** To be read before the next entry; what is left of it is skipped. */
      readonly body: AsyncIterable<Buffer>
    }

const blockBytes = 512
/** Long names and extended headers in front of one entry, together. */
const maxMetaBytes = 64 * 1024
/** Far more than the images of a machine have layers; what is kept of each stays small. */
const maxEntries = 50_000

/**
 * The entries of an archive of images, as they come. Names are clean and relative, each occurs once.
 *
 * tar's own Parser drops what it finds odd and goes on, and applies global headers; the layers'
 * reader holds up the event loop. So this takes header and pax decoding from tar, and is strict
 * about all the rest.
 *
 * @param what  the archive's file or `stdin`, for messages
 * @throws      INVALID_ARGUMENT for an archive that is damaged, cut off or followed by other bytes,
 *              and for entries that no archive of images has: devices, hard links, names that lead
 *              out of it, a name twice
 */
export async function* readArchive(
  bytes: AsyncIterable<Buffer>,
  what: string,
): AsyncGenerator<ReadEntry, void, void> {
  const reader = new EntryReader(bytes, what)
  const seen = new Set<string>()
  try {
    for (;;) {
      const entry = await reader.next()
      if (entry === undefined) return
      if (entry.kind !== 'directory') {
        if (seen.has(entry.name)) throw reader.refuse(entry.name, 'is there twice')
        if (seen.size === maxEntries) throw reader.damaged(`more than ${maxEntries} entries`)
        seen.add(entry.name)
      }
      yield entry
    }
  } finally {
    await reader.close()
  }
}

class EntryReader {
  readonly #reader: ChunkReader
  readonly #what: string
  #bodyLeft = 0
  #paddingLeft = 0
  #isFirst = true

  constructor(bytes: AsyncIterable<Buffer>, what: string) {
    this.#reader = new ChunkReader(bytes)
    this.#what = what
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  refuse(name: string, problem: string): TsctrError {
    return this.damaged(`${shownName(name)} ${problem}`)
  }

  damaged(problem: string): TsctrError {
    return new TsctrError('INVALID_ARGUMENT', `${this.#what}: ${problem}`)
  }

  async next(): Promise<ReadEntry | undefined> {
    // What nobody read is skipped.
    while (this.#bodyLeft > 0) await this.#bodyPiece()
    await this.#takeWhole(this.#paddingLeft)
    this.#paddingLeft = 0
    let pax: Pax | undefined
    let metaBytes = 0
    for (;;) {
      const block = await this.#reader.take(blockBytes)
      const header = this.#decode(block, pax)
      if (header === undefined) {
        await this.#readEnd()
        return undefined
      }
      if (!isMeta(header.type)) return this.#entryOf(header, pax)
      metaBytes += blockBytes + (header.size ?? 0)
      if (metaBytes > maxMetaBytes) throw this.damaged('an extended header is too long')
      const body = await this.#takeWhole(header.size ?? 0)
      await this.#takeWhole(paddingAfter(body.length))
      pax = this.#withMeta(pax, header.type, body)
    }
  }

  /** undefined for a block of zeros, with which the end begins. */
  #decode(block: Buffer, pax: Pax | undefined): Header | undefined {
    if (block.length === 0 && this.#isFirst) throw this.damaged('is empty, not an archive')
    if (block.length === 0) throw this.damaged('cut off: it has no end marker')
    if (block.length < blockBytes) throw this.damaged(this.#isFirst ? notTar : 'cut off')
    let header: Header
    try {
      header = new Header(block, 0, pax as never)
    } catch (error) {
      throw this.damaged(`damaged header: ${(error as Error).message}`)
    }
    if (header.nullBlock === true) return undefined
    if (!header.cksumValid) throw this.damaged(this.#isFirst ? notTar : 'damaged header')
    this.#isFirst = false
    return header
  }

  #withMeta(pax: Pax | undefined, type: string, body: Buffer): Pax | undefined {
    const text = body.toString('utf8')
    // No other engine applies them either.
    if (type === 'GlobalExtendedHeader') return pax
    if (type.endsWith('ExtendedHeader')) {
      if (text.includes('GNU.sparse.')) throw this.damaged('sparse files are not supported')
      return Pax.parse(text, pax as never, false)
    }
    const value = text.replace(/\0.*$/s, '')
    const field = type === 'NextFileHasLongLinkpath' ? 'linkpath' : 'path'
    return Object.assign(Object.create(null), pax, { [field]: value }) as Pax
  }

  #entryOf(header: Header, pax: Pax | undefined): ReadEntry {
    // Header itself puts the block's prefix before a path from pax, and forgets the link's.
    const raw = pax?.path ?? header.path ?? ''
    const link = pax?.linkpath ?? header.linkpath ?? ''
    const name = cleanName(raw)
    if (name === undefined) throw this.refuse(raw, 'is not a name inside of the archive')
    switch (header.type) {
      case 'Directory':
        return { kind: 'directory', name }
      case 'SymbolicLink': {
        const target = cleanName(`${name}/../${link}`, link)
        if (target === undefined) throw this.refuse(raw, 'is a link that leads out of the archive')
        return { kind: 'symlink', name, target }
      }
      case 'File':
      case 'OldFile':
      case 'ContiguousFile': {
        if (name === '') throw this.refuse(raw, 'is no name for a file')
        if (header.size === undefined) throw this.refuse(raw, 'has no size')
        this.#bodyLeft = header.size
        this.#paddingLeft = paddingAfter(header.size)
        return { kind: 'file', name, sizeBytes: header.size, body: this.#body() }
      }
      default:
        throw this.refuse(raw, `is ${kindNames.get(header.type) ?? 'of an unknown type'}`)
    }
  }

  async *#body(): AsyncGenerator<Buffer, void, void> {
    while (this.#bodyLeft > 0) yield await this.#bodyPiece()
  }

  async #bodyPiece(): Promise<Buffer> {
    const piece = await this.#reader.takeSome(this.#bodyLeft)
    if (piece === undefined) throw this.damaged('cut off')
    this.#bodyLeft -= piece.length
    return piece
  }

  async #takeWhole(length: number): Promise<Buffer> {
    const bytes = await this.#reader.take(length)
    if (bytes.length < length) throw this.damaged('cut off')
    return bytes
  }

  /** One block of zeros was seen: another one comes, then nothing but zeros. */
  async #readEnd(): Promise<void> {
    await this.#takeWhole(blockBytes).then((second) => this.#requireZeros(second))
    for (;;) {
      const chunk = await this.#reader.takeSome(Number.POSITIVE_INFINITY)
      if (chunk === undefined) return
      this.#requireZeros(chunk)
    }
  }

  #requireZeros(chunk: Buffer): void {
    if (chunk.some((byte) => byte !== 0)) throw this.damaged('other bytes follow its end')
  }
}

const notTar = 'not a tar archive'

const kindNames: ReadonlyMap<string, string> = new Map([
  ['Link', 'a hard link'],
  ['CharacterDevice', 'a device'],
  ['BlockDevice', 'a device'],
  ['FIFO', 'a fifo'],
])

const metaTypes: readonly string[] = [
  'ExtendedHeader',
  'OldExtendedHeader',
  'GlobalExtendedHeader',
  'NextFileHasLongPath',
  'OldGnuLongPath',
  'NextFileHasLongLinkpath',
]

function isMeta(type: string): boolean {
  return metaTypes.includes(type)
}

function paddingAfter(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes
}
