import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open as openFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { TsctrError } from '../errors.ts'
import { storageError } from '../host/storage-error.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { Digest } from '../oci/digest.ts'

/** Bytes of a blob from some place on. */
export interface BlobSource {
  readonly stream: Readable
  /** Where the stream starts: as asked, or 0 if the source cannot start in the middle. */
  readonly offsetBytes: number
}

export interface ReceiveOptions {
  readonly open: (offsetBytes: number, signal: AbortSignal | undefined) => Promise<BlobSource>
  readonly onProgress?: ((offsetBytes: number, totalBytes: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

interface Received {
  readonly sizeBytes: number
  readonly hash: Hash
}

const readBytes = 256 * 1024

/**
 * Bring a file to the bytes that a descriptor names, going on from what an earlier process left in
 * it. On return the file is whole, synced and read-only.
 *
 * @throws  DIGEST_MISMATCH if the source's bytes are not those; whatever the source throws
 */
export async function receiveBlob(
  path: string,
  descriptor: Descriptor,
  options: ReceiveOptions,
): Promise<void> {
  const file = await onDisk(path, openFile(path, constants.O_RDWR | constants.O_CREAT, 0o600))
  try {
    const found = await readBack(file, path, descriptor.sizeBytes, options.signal)
    let received = await receiveRest(file, path, found, descriptor, options)
    if (found.sizeBytes > 0 && mismatch(descriptor, received) !== undefined) {
      // What was found may be torn by a power loss, or of a blob that the registry has replaced.
      received = await receiveRest(file, path, await restart(file, path), descriptor, options)
    }
    await onDisk(path, file.sync())
    const problem = mismatch(descriptor, received)
    if (problem !== undefined) throw problem
    await onDisk(path, file.chmod(0o444))
  } finally {
    await file.close()
  }
}

/** The one wording for bytes that are not what their descriptor says; size is compared first. */
export function blobMismatch(
  digest: Digest,
  expected: string | number,
  got: string | number,
): TsctrError {
  const unit = typeof expected === 'number' ? ' bytes' : ''
  return new TsctrError(
    'DIGEST_MISMATCH',
    `blob ${digest}: expected ${expected}${unit}, got ${got}`,
  )
}

function mismatch(descriptor: Descriptor, received: Received): TsctrError | undefined {
  const { digest, sizeBytes } = descriptor
  if (received.sizeBytes !== sizeBytes) {
    return blobMismatch(digest, sizeBytes, received.sizeBytes)
  }
  const actual = `sha256:${received.hash.copy().digest('hex')}`
  return actual === digest ? undefined : blobMismatch(digest, digest, actual)
}

/** Hash what the file holds already; a file that is too long starts over. */
async function readBack(
  file: FileHandle,
  path: string,
  totalBytes: number,
  signal: AbortSignal | undefined,
): Promise<Received> {
  const { size } = await file.stat()
  if (size > totalBytes) return restart(file, path)
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(readBytes)
  for (let offset = 0; ; ) {
    signal?.throwIfAborted()
    const { bytesRead } = await onDisk(path, file.read(buffer, 0, buffer.length, offset))
    if (bytesRead === 0) return { sizeBytes: offset, hash }
    hash.update(buffer.subarray(0, bytesRead))
    offset += bytesRead
  }
}

async function restart(file: FileHandle, path: string): Promise<Received> {
  await onDisk(path, file.truncate(0))
  return { sizeBytes: 0, hash: createHash('sha256') }
}

async function receiveRest(
  file: FileHandle,
  path: string,
  found: Received,
  descriptor: Descriptor,
  options: ReceiveOptions,
): Promise<Received> {
  const totalBytes = descriptor.sizeBytes
  options.onProgress?.(found.sizeBytes, totalBytes)
  if (found.sizeBytes === totalBytes) return found
  const source = await options.open(found.sizeBytes, options.signal)
  const start = source.offsetBytes === found.sizeBytes ? found : await restart(file, path)
  if (source.offsetBytes !== start.sizeBytes) {
    source.stream.destroy()
    throw new Error(`bug: blob source starts at ${source.offsetBytes}`)
  }
  let offset = start.sizeBytes
  for await (const chunk of source.stream as AsyncIterable<Buffer>) {
    options.signal?.throwIfAborted()
    // A declared length is not trusted: one byte too many ends it.
    if (offset + chunk.length > totalBytes) {
      throw blobMismatch(descriptor.digest, totalBytes, 'more')
    }
    const written = onDisk(path, writeWhole(file, chunk, offset))
    start.hash.update(chunk)
    await written
    offset += chunk.length
    options.onProgress?.(offset, totalBytes)
  }
  return { sizeBytes: offset, hash: start.hash }
}

async function writeWhole(file: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.length - done, position + done)
    done += bytesWritten
  }
}

async function onDisk<T>(path: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation
  } catch (error) {
    throw storageError(path, error)
  }
}
