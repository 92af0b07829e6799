import { TsctrError } from '../errors.ts'
import type { BlobToPush } from './push-blob.ts'
import { drain, type PushChannel, refusedPush, uploadLocation } from './push-channel.ts'
import {
  connectionError,
  isTransientFailure,
  isTransientStatus,
  readRefusal,
} from './registry-error.ts'
import { type RetryBudget, retryAfterMs } from './retry-budget.ts'
import type { HttpResponse, RequestBody } from './transport.ts'

/** What a registry gives to send a blob to. */
export interface UploadSession {
  readonly location: URL
  /** The registry wants chunks, none but the last shorter than this; 0 where it does not say. */
  readonly minChunkBytes: number
}

export interface Upload {
  readonly channel: PushChannel
  readonly blob: Pick<BlobToPush, 'digest' | 'sizeBytes' | 'open'>
  readonly budget: RetryBudget
  readonly onSent: (offsetBytes: number) => void
  readonly start: () => Promise<UploadSession>
  readonly isThere: () => Promise<boolean>
}

const mebibyte = 1024 * 1024
/** Larger blobs go in chunks: proxies refuse long bodies, and less is sent again after a failure. */
const maxWholeBytes = 64 * mebibyte
const chunkBytes = 64 * mebibyte
const leastChunkBytes = mebibyte
/** A registry may read all of a blob again before it says that it has it. */
const commitIdleMs = 300_000

interface State {
  session: UploadSession
  /** Bytes that the registry has. */
  offset: number
  /** `whole`: all in the request that ends the upload. */
  mode: 'whole' | 'chunks'
  chunkBytes: number
  /** Whether the registry has said that it takes no chunks. */
  knowsChunks: boolean
}

/**
 * Send a blob, whatever happens to the connections on the way: after a broken one the registry is
 * asked how much it has; where it has lost the upload, a new one begins.
 *
 * @throws  UNAUTHORIZED, UNAVAILABLE; DIGEST_MISMATCH
 * Source: OCI distribution-spec §pushing-a-blob-monolithically, §pushing-a-blob-in-chunks
 */
export async function uploadBlob(upload: Upload, session: UploadSession): Promise<void> {
  const { blob, budget, channel } = upload
  const isLarge = blob.sizeBytes > maxWholeBytes
  const state: State = {
    session,
    offset: 0,
    mode: isLarge || session.minChunkBytes > 0 ? 'chunks' : 'whole',
    chunkBytes,
    knowsChunks: true,
  }
  upload.onSent(0)
  for (;;) {
    const next = await nextStep(upload, state)
    if (next.kind === 'done') return
    if (next.kind === 'advanced') continue
    await budget.spend(next.failure, next.waitMs)
    channel.signal.throwIfAborted()
    if (await upload.isThere()) return
    await recover(upload, state, next.kind)
  }
}

type Step =
  | { readonly kind: 'done' }
  | { readonly kind: 'advanced' }
  /** To be gone on with where the registry says; `misplaced`: elsewhere; `lost`: from the beginning. */
  | {
      readonly kind: 'failed' | 'misplaced' | 'lost'
      readonly failure: TsctrError
      readonly waitMs?: number
    }

async function nextStep(upload: Upload, state: State): Promise<Step> {
  const { channel, blob } = upload
  const { sizeBytes } = blob
  const isWhole = state.mode === 'whole'
  const sendsChunk = !isWhole && state.offset < sizeBytes
  const longest = Math.max(state.chunkBytes, state.session.minChunkBytes)
  const end = isWhole ? sizeBytes : Math.min(sizeBytes, state.offset + longest)
  let response: HttpResponse
  try {
    response = sendsChunk
      ? await sendChunk(upload, state, end)
      : await sendEnd(upload, state, isWhole)
  } catch (error) {
    channel.signal.throwIfAborted()
    if (!isTransientFailure(error)) throw connectionError(channel.host, error)
    return { kind: 'failed', failure: connectionError(channel.host, error) as TsctrError }
  }
  const { status } = response
  if (sendsChunk && status === 202) {
    await drain(response)
    return takeChunk(upload, state, response, end)
  }
  if (!sendsChunk && status >= 200 && status < 300 && status !== 202) {
    await drain(response)
    return { kind: 'done' }
  }
  return refused(upload, state, response)
}

function sendChunk(upload: Upload, state: State, end: number): Promise<HttpResponse> {
  return upload.channel.send(
    {
      method: 'PATCH',
      path: state.session.location,
      headers: {
        'Content-Type': 'application/octet-stream',
        'Content-Range': `${state.offset}-${end - 1}`,
      },
      body: bodyOf(upload, state.offset, end),
      isSentOnce: true,
      what: `blob ${upload.blob.digest}`,
    },
    upload.budget,
  )
}

/** The request that names the digest, with the whole blob or nothing in it. */
function sendEnd(upload: Upload, state: State, isWhole: boolean): Promise<HttpResponse> {
  const { digest, sizeBytes } = upload.blob
  return upload.channel.send(
    {
      method: 'PUT',
      path: state.session.location,
      query: { digest },
      headers: { 'Content-Type': 'application/octet-stream' },
      body: bodyOf(upload, isWhole ? 0 : sizeBytes, sizeBytes),
      isSentOnce: true,
      idleTimeoutMs: commitIdleMs,
      what: `blob ${digest}`,
    },
    upload.budget,
  )
}

function bodyOf({ blob, onSent }: Upload, start: number, end: number): RequestBody {
  async function* bytes(): AsyncGenerator<Buffer> {
    let offset = start
    for await (const chunk of blob.open(start, end)) {
      yield chunk
      offset += chunk.length
      onSent(offset)
    }
  }
  return { sizeBytes: end - start, open: start === end ? async function* () {} : bytes }
}

/** What the registry says that it has counts, not what was sent. */
function takeChunk(upload: Upload, state: State, response: HttpResponse, end: number): Step {
  const { channel, blob, budget } = upload
  const has = storedBytes(response) ?? end
  state.session = { ...state.session, location: uploadLocation(channel, response) }
  if (has > state.offset && has <= end) {
    budget.arrived(has - state.offset)
    state.offset = has
    return { kind: 'advanced' }
  }
  const words = `says it has ${has} bytes after ${end} were sent`
  const message = `${channel.name}: blob ${blob.digest}: registry ${channel.host}: ${words}`
  return { kind: 'lost', failure: new TsctrError('UNAVAILABLE', message) }
}

async function refused(upload: Upload, state: State, response: HttpResponse): Promise<Step> {
  const { channel, blob } = upload
  const { status } = response
  const waitMs = retryAfterMs(response.header('retry-after'))
  const refusal = await readRefusal(response)
  const failure = refusedPush(channel, `blob ${blob.digest}`, response, refusal)
  if (isTransientStatus(status)) {
    return { kind: 'failed', failure, ...(waitMs === undefined ? {} : { waitMs }) }
  }
  if (refusal.code === 'DIGEST_INVALID' || refusal.code === 'SIZE_INVALID') {
    // What was put together of pieces may be the registry's mistake; what was sent at once is not.
    if (state.mode === 'chunks' && state.knowsChunks) {
      state.knowsChunks = false
      return { kind: 'lost', failure: mismatch(upload, failure) }
    }
    throw mismatch(upload, failure)
  }
  if (status === 413 && shrinkChunks(state, blob.sizeBytes)) return { kind: 'lost', failure }
  // The place is wrong, or the upload is not known any more.
  if (status === 416) return { kind: 'misplaced', failure }
  if (status === 404 || refusal.code.startsWith('BLOB_UPLOAD_')) return { kind: 'lost', failure }
  const takesNoChunks = state.mode === 'chunks' && [400, 405, 501].includes(status)
  if (takesNoChunks && state.knowsChunks && state.session.minChunkBytes === 0) {
    state.knowsChunks = false
    return { kind: 'lost', failure }
  }
  throw failure
}

function mismatch({ channel, blob }: Upload, cause: TsctrError): TsctrError {
  const message = `${channel.name}: blob ${blob.digest}: registry ${channel.host} got other bytes`
  return new TsctrError('DIGEST_MISMATCH', message, { cause })
}

/** @returns  whether there is a shorter chunk to try */
function shrinkChunks(state: State, sizeBytes: number): boolean {
  if (!state.knowsChunks) return false
  const sent = state.mode === 'whole' ? sizeBytes : Math.min(state.chunkBytes, sizeBytes)
  const next = Math.ceil(sent / 4)
  state.mode = 'chunks'
  state.chunkBytes = Math.max(leastChunkBytes, next)
  return sent > leastChunkBytes
}

/** Find out where to go on. */
async function recover(upload: Upload, state: State, kind: Step['kind']): Promise<void> {
  const mayGoOn = kind !== 'lost' && state.knowsChunks
  const found = mayGoOn ? await askStatus(upload, state) : undefined
  const { minChunkBytes } = state.session
  const isSamePlace = kind === 'misplaced' && found?.offset === state.offset
  if (found !== undefined && found.offset > 0 && !isSamePlace) {
    state.session = { location: found.location, minChunkBytes }
    if (found.offset > state.offset) upload.budget.arrived(found.offset - state.offset)
    state.offset = found.offset
    state.mode = 'chunks'
    return
  }
  state.session = await upload.start()
  state.offset = 0
  if (!state.knowsChunks) state.mode = 'whole'
  upload.onSent(0)
}

/** How much of the blob the registry has; undefined where it does not know the upload any more. */
async function askStatus(
  { channel, blob, budget }: Upload,
  { session }: State,
): Promise<{ location: URL; offset: number } | undefined> {
  const what = `blob ${blob.digest}`
  const response = await channel.send({ method: 'GET', path: session.location, what }, budget)
  await drain(response)
  if (response.status < 200 || response.status >= 300) return undefined
  const offset = storedBytes(response)
  if (offset === undefined || offset > blob.sizeBytes) return undefined
  const hasLocation = response.header('location') !== null
  const location = hasLocation ? uploadLocation(channel, response) : session.location
  return { location, offset }
}

/**
 * `Range: 0-N`, N the last byte. Nothing at all is written `0-0` too, and nobody sends one byte.
 *
 * Source: OCI distribution-spec §pushing-a-blob-in-chunks
 */
function storedBytes(response: HttpResponse): number | undefined {
  const end = /^(?:bytes=)?0-(\d+)$/.exec(response.header('range') ?? '')?.[1]
  if (end === undefined) return undefined
  return end === '0' ? 0 : Number(end) + 1
}
