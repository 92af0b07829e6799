import { Readable } from 'node:stream'
import { TsctrError } from '../errors.ts'
import { connectionError, isTransientFailure, type Operand, statusError } from './registry-error.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { HttpResponse } from './transport.ts'

export interface BlobStreamOptions {
  readonly sizeBytes: number
  readonly offsetBytes: number
  /** Ask for the blob; for its end from a Range header on. */
  readonly request: (headers: Readonly<Record<string, string>>) => Promise<HttpResponse>
  readonly operand: Operand
  readonly budget: RetryBudget
  readonly signal: AbortSignal | undefined
  /** Get what is left from another server, where this one has failed for good. */
  readonly goOn?: ((offsetBytes: number) => Promise<Readable>) | undefined
}

/** An answer whose body is the blob from some place on. */
interface BlobAnswer {
  readonly response: HttpResponse
  /** Bytes of the body that are already known. */
  readonly skipBytes: number
}

/**
 * A blob's bytes from an offset to its end, whatever happens to the connections on the way: a
 * broken one is replaced by a new one for the rest. Where the server knows no ranges, what is known
 * already is read over.
 *
 * The stream may still be too short or too long: whoever checks the digest checks that.
 *
 * @throws  NOT_FOUND, UNAUTHORIZED, UNAVAILABLE: now for the first answer, on the stream later
 * Source: OCI distribution-spec §pulling-blobs; RFC 9110 §14
 */
export async function openBlobStream(options: BlobStreamOptions): Promise<Readable> {
  const state: StreamState = {
    answer: await askFrom(options, options.offsetBytes),
    rest: undefined,
    isClosed: false,
  }
  const bytes = blobBytes(options, state)
  return new Readable({
    highWaterMark: 256 * 1024,
    read() {
      bytes.next().then(
        ({ value }) => this.push(value ?? null),
        (error: Error) => this.destroy(error),
      )
    },
    // Not Readable.from: that waits for the next bytes before it lets go, and they may never come.
    destroy(error, callback) {
      state.isClosed = true
      state.answer.response.discard()
      state.rest?.destroy()
      callback(error)
    },
  })
}

interface StreamState {
  answer: BlobAnswer
  /** What another server sends. */
  rest: Readable | undefined
  isClosed: boolean
}

async function* blobBytes(options: BlobStreamOptions, state: StreamState): AsyncGenerator<Buffer> {
  const { sizeBytes, budget, operand, signal } = options
  let offset = options.offsetBytes
  let hasEndedEarly = false
  for (;;) {
    const startedAt = offset
    let failure: unknown
    try {
      for await (const chunk of answerBytes(state.answer)) {
        offset += chunk.length
        budget.arrived(chunk.length)
        yield chunk
      }
      if (offset >= sizeBytes) return
      // It said so twice: there is no more.
      if (hasEndedEarly && offset === startedAt) return
      hasEndedEarly = true
      failure = endedEarly(options, offset)
    } catch (error) {
      if (state.isClosed) return
      signal?.throwIfAborted()
      failure = connectionError(operand.host, error)
      if (!isTransientFailure(error)) return yield* restElsewhere(options, state, offset, failure)
    }
    try {
      await budget.spend(failure)
      state.answer = await askFrom(options, offset)
    } catch (error) {
      signal?.throwIfAborted()
      return yield* restElsewhere(options, state, offset, error)
    }
    if (state.isClosed) state.answer.response.discard()
  }
}

async function* restElsewhere(
  { goOn }: BlobStreamOptions,
  state: StreamState,
  offset: number,
  failure: unknown,
): AsyncGenerator<Buffer> {
  if (goOn === undefined || state.isClosed) throw failure
  state.rest = await goOn(offset)
  if (state.isClosed) state.rest.destroy()
  yield* state.rest
}

async function* answerBytes(answer: BlobAnswer): AsyncGenerator<Buffer> {
  let skip = answer.skipBytes
  for await (const chunk of answer.response.body) {
    const known = Math.min(skip, chunk.length)
    skip -= known
    if (known < chunk.length) yield known === 0 ? chunk : chunk.subarray(known)
  }
}

async function askFrom(options: BlobStreamOptions, offset: number): Promise<BlobAnswer> {
  if (offset > 0) {
    const response = await options.request({ Range: `bytes=${offset}-` })
    if (response.status === 206 && rangeStart(response) === offset)
      return { response, skipBytes: 0 }
    if (response.status === 200) return { response, skipBytes: offset }
    // 416, or another part than asked for: all of it, then.
    if (response.status !== 416 && response.status !== 206) {
      throw await statusError(options.operand, response)
    }
    response.discard()
  }
  const response = await options.request({})
  if (response.status === 200) return { response, skipBytes: offset }
  throw await statusError(options.operand, response)
}

function rangeStart(response: HttpResponse): number | undefined {
  const start = /^bytes (\d+)-/.exec(response.header('content-range') ?? '')?.[1]
  return start === undefined ? undefined : Number(start)
}

function endedEarly({ operand, sizeBytes }: BlobStreamOptions, offset: number): TsctrError {
  const message = `${operand.what}: registry ${operand.host}: sent ${offset} of ${sizeBytes} bytes`
  return new TsctrError('UNAVAILABLE', message)
}
