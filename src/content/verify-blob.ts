import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import type { Blob } from './records.ts'
import type { ContentStore } from './store.ts'

/** What reading a blob again finds: nothing wrong, or what in words. */
export type BlobHealth =
  | { readonly status: 'good' }
  | { readonly status: 'missing' | 'damaged'; readonly problem: string }

/** Read a blob and compare it with its digest and size. @param signal  ends it with its reason */
export async function verifyBlob(
  content: ContentStore,
  { digest, sizeBytes }: Pick<Blob, 'digest' | 'sizeBytes'>,
  signal?: AbortSignal,
): Promise<BlobHealth> {
  const stats = statSync(content.blobPath(digest), { throwIfNoEntry: false })
  if (stats === undefined) return { status: 'missing', problem: 'its file is missing' }
  if (stats.size !== sizeBytes) {
    return { status: 'damaged', problem: `expected ${sizeBytes} bytes, got ${stats.size}` }
  }
  const hash = createHash('sha256')
  for await (const chunk of content.openBlob(digest) as AsyncIterable<Buffer>) {
    signal?.throwIfAborted()
    hash.update(chunk)
  }
  const actual = `sha256:${hash.digest('hex')}`
  return actual === digest
    ? { status: 'good' }
    : { status: 'damaged', problem: `its bytes are ${actual}` }
}
