import { createHash } from 'node:crypto'
import { decompressArchive } from '../archive/decompress-archive.ts'
import { shownName } from '../archive/entry-name.ts'
import { type ReadEntry, readArchive } from '../archive/read-archive.ts'
import type { StagedBlob } from '../content/stage-blob.ts'
import { TsctrError } from '../errors.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'
import { maxManifestBytes } from '../oci/image-manifest.ts'
import type { Lease } from '../store/leases.ts'
import type { ImageStores } from './stores.ts'

/** A file of an archive, its digest computed from its bytes. */
export interface ArchivedFile {
  readonly digest: Digest
  readonly sizeBytes: number
  /** Where its bytes are; undefined where the content store had them already. */
  readonly staged: StagedBlob | undefined
}

/** An archive, read to its end. Nothing of it has a name in the stores yet. */
export interface StagedArchive {
  /** The file behind a name, through links. @throws INVALID_ARGUMENT for links in a circle */
  file(name: string): ArchivedFile | undefined
  /** Any file that has these bytes. */
  byDigest(digest: Digest): ArchivedFile | undefined
  /** One of the documents at the root. */
  document(name: DocumentName): Buffer | undefined
  /** Whether it has a file of this name whose bytes were not wanted. */
  hasSkipped(name: string): boolean
  discard(): void
}

type DocumentName = (typeof documentNames)[number]

const documentNames = ['index.json', 'manifest.json', 'oci-layout'] as const
const maxLinks = 8

export interface StageRequest {
  readonly input: AsyncIterable<Buffer>
  /** The archive's file or `stdin`, for messages. */
  readonly what: string
  readonly lease: Lease
  readonly onFile: (file: Pick<ReadEntry & { kind: 'file' }, 'name' | 'sizeBytes'>) => OnBytes
  readonly signal?: AbortSignal | undefined
}

type OnBytes = (offsetBytes: number) => void

/**
 * Read an archive of images once, from its first byte to its last: each of its files goes to an
 * ingest of its own, because what a file is may stand at the archive's end. Memory stays the same
 * whatever the archive's size.
 *
 * @throws  as decompressArchive and readArchive; INVALID_ARGUMENT for blobs that are not what their
 *          name says and documents that are too large; FAILED_PRECONDITION for a file that the disk
 *          has no room for. Nothing is left then.
 */
export async function stageArchive(
  stores: Pick<ImageStores, 'content'>,
  request: StageRequest,
): Promise<StagedArchive> {
  const files = new Map<string, ArchivedFile>()
  const links = new Map<string, string>()
  const documents = new Map<string, Buffer>()
  const skipped = new Set<string>()
  const discard = (): void => {
    for (const { staged } of files.values()) staged?.discard()
  }
  try {
    const bytes = decompressArchive(request.input, request.what)
    for await (const entry of readArchive(bytes, request.what)) {
      request.signal?.throwIfAborted()
      const { name } = entry
      if (isDocument(name)) documents.set(name, await readDocument(entry, request.what))
      else if (entry.kind === 'symlink') links.set(checkLink(name, request.what), entry.target)
      else if (entry.kind === 'file') {
        if (isUnused(name)) skipped.add(name)
        else files.set(name, await stageFile(stores, entry, request))
      }
    }
  } catch (error) {
    discard()
    throw error
  }
  const byDigest = new Map([...files.values()].map((file) => [file.digest, file]))
  return {
    file: (name) => {
      let at = name
      for (let followed = 0; followed <= maxLinks; followed += 1) {
        const target = links.get(at)
        if (target === undefined) return files.get(at)
        at = target
      }
      throw invalid(request.what, `${shownName(name)} is a link that leads nowhere`)
    },
    byDigest: (digest) => byDigest.get(digest),
    document: (name) => documents.get(name),
    hasSkipped: (name) => skipped.has(name),
    discard,
  }
}

function isDocument(name: string): name is DocumentName {
  return documentNames.some((each) => each === name)
}

/** What docker before 1.10 read, and nobody reads today. */
function isUnused(name: string): boolean {
  return name === 'repositories' || /^[^/]+\/(VERSION|json)$/.test(name)
}

/** docker-archives link to a layer that they have already; an OCI layout has no links. */
function checkLink(name: string, what: string): string {
  if (name.startsWith('blobs/')) throw invalid(what, `${shownName(name)} is a link`)
  return name
}

async function readDocument(entry: ReadEntry, what: string): Promise<Buffer> {
  if (entry.kind !== 'file') throw invalid(what, `${entry.name} is not a file`)
  if (entry.sizeBytes > maxManifestBytes) {
    const problem = `${entry.name}: ${entry.sizeBytes} bytes are more than ${maxManifestBytes}`
    throw invalid(what, problem)
  }
  const chunks: Buffer[] = []
  for await (const chunk of entry.body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function stageFile(
  stores: Pick<ImageStores, 'content'>,
  entry: ReadEntry & { kind: 'file' },
  { what, lease, signal, onFile }: StageRequest,
): Promise<ArchivedFile> {
  const { name, sizeBytes } = entry
  const claimed = claimedDigest(name, what)
  const body = counted(entry.body, onFile(entry))
  const file =
    claimed !== undefined && isHere(stores, lease, claimed, sizeBytes)
      ? { digest: await digestOf(body, signal), sizeBytes, staged: undefined }
      : await stageBytes(stores, body, { name, sizeBytes, what, signal })
  if (claimed === undefined || claimed === file.digest) return file
  file.staged?.discard()
  const problem = `${shownName(name)} is not what its name says: got ${file.digest}`
  throw new TsctrError('DIGEST_MISMATCH', `${what}: ${problem}`)
}

async function stageBytes(
  stores: Pick<ImageStores, 'content'>,
  body: AsyncIterable<Buffer>,
  file: { name: string; sizeBytes: number; what: string; signal: AbortSignal | undefined },
): Promise<ArchivedFile> {
  // A header is believed before a byte is written: a bomb must not fill the disk first.
  if (!stores.content.hasRoomFor(file.sizeBytes)) {
    const problem = `${shownName(file.name)}: no space left for ${file.sizeBytes} bytes`
    throw new TsctrError('FAILED_PRECONDITION', `${file.what}: ${problem}`, {
      hint: 'free some space in the data root, then try again',
    })
  }
  const staged = await stores.content.stage(body, file.signal)
  return { digest: staged.digest, sizeBytes: staged.sizeBytes, staged }
}

/** Hold first, look second: then it stays. */
function isHere(
  stores: Pick<ImageStores, 'content'>,
  lease: Lease,
  digest: Digest,
  sizeBytes: number,
): boolean {
  lease.hold('blob', digest)
  return stores.content.stat(digest)?.sizeBytes === sizeBytes
}

/** The digest that a blob of an OCI layout, or docker's config, has for a name. */
function claimedDigest(name: string, what: string): Digest | undefined {
  const hex = /^(?:blobs\/sha256\/(.*)|([0-9a-f]{64})\.json)$/.exec(name)
  if (hex !== null) {
    try {
      return parseDigest(`sha256:${hex[1] ?? hex[2]}`)
    } catch {
      throw invalid(what, `${shownName(name)} is no name for a blob`)
    }
  }
  if (name.startsWith('blobs/')) throw invalid(what, `${shownName(name)} is no name for a blob`)
  return undefined
}

async function* counted(body: AsyncIterable<Buffer>, onBytes: OnBytes): AsyncGenerator<Buffer> {
  let offsetBytes = 0
  for await (const chunk of body) {
    yield chunk
    offsetBytes += chunk.length
    onBytes(offsetBytes)
  }
}

async function digestOf(
  body: AsyncIterable<Buffer>,
  signal: AbortSignal | undefined,
): Promise<Digest> {
  const hash = createHash('sha256')
  for await (const chunk of body) {
    signal?.throwIfAborted()
    hash.update(chunk)
  }
  return `sha256:${hash.digest('hex')}` as Digest
}

function invalid(what: string, problem: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `${what}: ${problem}`)
}
