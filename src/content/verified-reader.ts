import { createHash } from 'node:crypto'
import type { Descriptor } from '../oci/descriptor.ts'
import { blobMismatch } from './receive-blob.ts'

/**
 * A blob's bytes as they are read, compared with its digest: a file that the disk has damaged must
 * not be handed on as if it were whole.
 *
 * @throws  DIGEST_MISMATCH, when all or too much has been read
 */
export async function* verifiedBytes(
  { digest, sizeBytes }: Pick<Descriptor, 'digest' | 'sizeBytes'>,
  stream: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, void> {
  const hash = createHash('sha256')
  let readBytes = 0
  for await (const chunk of stream) {
    readBytes += chunk.length
    if (readBytes > sizeBytes) throw blobMismatch(digest, sizeBytes, 'more')
    hash.update(chunk)
    yield chunk
  }
  if (readBytes !== sizeBytes) throw blobMismatch(digest, sizeBytes, readBytes)
  const actual = `sha256:${hash.digest('hex')}`
  if (actual !== digest) throw blobMismatch(digest, digest, actual)
}
