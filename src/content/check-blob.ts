import { createHash } from 'node:crypto'
import type { Digest } from '../oci/digest.ts'
import { blobMismatch } from './receive-blob.ts'
import type { ContentStore } from './store.ts'

/**
 * Read a blob and compare it with its digest: its file may have been damaged since it was committed.
 *
 * @throws  NOT_FOUND, DIGEST_MISMATCH
 */
export async function checkBlob(
  content: Pick<ContentStore, 'openBlob'>,
  digest: Digest,
): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of content.openBlob(digest)) hash.update(chunk)
  const actual = `sha256:${hash.digest('hex')}`
  if (actual !== digest) throw blobMismatch(digest, digest, actual)
}
