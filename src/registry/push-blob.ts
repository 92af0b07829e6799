import { hasCode } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { drain, type PushChannel, pushError, uploadLocation } from './push-channel.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { HttpResponse } from './transport.ts'
import { type Upload, type UploadSession, uploadBlob } from './upload-blob.ts'

/** A blob that is to be in a repository. */
export interface BlobToPush {
  readonly digest: Digest
  readonly sizeBytes: number
  /** Its bytes from one place up to, not with, another. */
  readonly open: (startBytes: number, endBytes: number) => AsyncIterable<Buffer>
  /** Repositories of the same registry that may hold it, the likeliest first. */
  readonly mountSources: readonly string[]
}

export type BlobOutcome =
  | { readonly kind: 'exists' | 'pushed' }
  | { readonly kind: 'mounted'; readonly from: string }

/** More attempts cost more than the upload of most layers. */
const maxMountAttempts = 3

/**
 * Have a blob in a repository: it is there, or is mounted from another one, or is uploaded.
 *
 * @param onSent  bytes of it that were sent so far; goes back where something is sent again
 * @throws        UNAUTHORIZED, UNAVAILABLE; DIGEST_MISMATCH if the registry says that the bytes are
 *                not what the digest names
 * Source: OCI distribution-spec §pushing-blobs, §mounting-a-blob-from-another-repository
 */
export async function pushBlob(
  channel: PushChannel,
  blob: BlobToPush,
  onSent: (offsetBytes: number) => void,
): Promise<BlobOutcome> {
  const budget = channel.newBudget()
  const upload: Upload = {
    channel,
    blob,
    budget,
    onSent,
    start: () => startUpload(channel, blob, budget),
    isThere: () => hasBlob(channel, blob.digest, budget),
  }
  if (await upload.isThere()) return { kind: 'exists' }
  const mounted = await mountBlob(channel, blob, budget)
  if (mounted.from !== undefined) return { kind: 'mounted', from: mounted.from }
  await uploadBlob(upload, mounted.session ?? (await upload.start()))
  return { kind: 'pushed' }
}

async function hasBlob(
  channel: PushChannel,
  digest: Digest,
  budget: RetryBudget,
): Promise<boolean> {
  const what = `blob ${digest}`
  const path = `/${channel.repository}/blobs/${digest}`
  const response = await channel.send({ method: 'HEAD', path, what }, budget)
  if (response.status === 401 || response.status === 403) {
    throw await pushError(channel, what, response)
  }
  await drain(response)
  // A registry that cannot tell is sent the blob.
  return response.status === 200
}

interface Mount {
  readonly from?: string
  /** A registry that does not mount begins an upload instead. */
  readonly session?: UploadSession
}

async function mountBlob(
  channel: PushChannel,
  { digest, mountSources }: BlobToPush,
  budget: RetryBudget,
): Promise<Mount> {
  let session: UploadSession | undefined
  const sources = channel.isRenamed ? [] : mountSources
  for (const from of sources.slice(0, maxMountAttempts)) {
    if (session !== undefined) await cancelUpload(channel, session, budget)
    session = undefined
    const response = await tryMount(channel, digest, from, budget)
    if (response !== undefined) await drain(response)
    if (response?.status === 201) return { from }
    if (response?.status === 202) session = sessionOf(channel, response)
  }
  return session === undefined ? {} : { session }
}

/** @returns  undefined where the user may not read the source */
async function tryMount(
  channel: PushChannel,
  digest: Digest,
  from: string,
  budget: RetryBudget,
): Promise<HttpResponse | undefined> {
  try {
    return await channel.send(
      {
        method: 'POST',
        path: `/${channel.repository}/blobs/uploads/`,
        query: { mount: digest, from },
        what: `blob ${digest}`,
        mountsFrom: from,
      },
      budget,
    )
  } catch (error) {
    if (hasCode(error, 'UNAUTHORIZED')) return undefined
    throw error
  }
}

async function startUpload(
  channel: PushChannel,
  { digest }: BlobToPush,
  budget: RetryBudget,
): Promise<UploadSession> {
  const what = `blob ${digest}`
  const path = `/${channel.repository}/blobs/uploads/`
  const response = await channel.send({ method: 'POST', path, what }, budget)
  if (response.status !== 202) throw await pushError(channel, what, response)
  await drain(response)
  return sessionOf(channel, response)
}

function sessionOf(channel: PushChannel, response: HttpResponse): UploadSession {
  const minChunkBytes = Number(response.header('oci-chunk-min-length') ?? 0)
  return {
    location: uploadLocation(channel, response),
    minChunkBytes: Number.isSafeInteger(minChunkBytes) && minChunkBytes > 0 ? minChunkBytes : 0,
  }
}

/** A courtesy: registries remove what is not finished, some time. */
async function cancelUpload(
  channel: PushChannel,
  { location }: UploadSession,
  budget: RetryBudget,
): Promise<void> {
  try {
    const step = { method: 'DELETE', path: location, what: 'upload', isSentOnce: true } as const
    const response = await channel.send(step, budget)
    await drain(response)
  } catch {
    channel.signal.throwIfAborted()
  }
}
