import { Readable } from 'node:stream'
import { TsctrError } from '../errors.ts'
import { AgentPool, anonymousTls, isLinkLocal, isLoopback, type TlsSettings } from './agents.ts'
import { redactUrl } from './wording.ts'

/** Bytes to send, which may be asked for again. */
export interface RequestBody {
  readonly sizeBytes: number
  readonly open: () => AsyncIterable<Buffer>
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  /** Sent to every host on the way. */
  readonly headers: Readonly<Record<string, string>>
  /** Sent to the URL's own origin only: credentials, and what the user's configuration adds. */
  readonly ownHeaders: Readonly<Record<string, string>>
  /** A text is for the URL's own host alone: such a request follows no redirect. */
  readonly body?: string | RequestBody | undefined
  readonly tls: TlsSettings
  /** Limit of making a connection. */
  readonly dialTimeoutMs?: number | undefined
  /** Limit of the whole exchange; without it only silence ends one. */
  readonly totalTimeoutMs?: number | undefined
  /** How long the server may be silent, where that is not what others may. */
  readonly idleTimeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface HttpResponse {
  readonly status: number
  readonly statusText: string
  /** Where it came from in the end. */
  readonly url: URL
  /** Whether it came from the origin that was asked, not from one it pointed to. */
  readonly isFromOrigin: boolean
  readonly header: (name: string) => string | null
  /** The bytes as sent; ends with an error where the connection does. To be read or discarded. */
  readonly body: AsyncGenerator<Buffer, void, undefined>
  /** Give up on what is left of the body. */
  readonly discard: () => void
}

export interface TransportOptions {
  readonly userAgent: string
  /** How long a server may be silent. */
  readonly idleTimeoutMs: number
  readonly env: NodeJS.ProcessEnv
  readonly trace?: ((line: string) => void) | undefined
}

const maxRedirects = 10
const redirectStatuses = new Set([301, 302, 303, 307, 308])
/** Those that ask for the same request again: others make a GET of it. */
const repeatingStatuses = new Set([307, 308])

/**
 * HTTP as a registry client needs it: connections are kept, bodies stay as they were sent, a silent
 * server is given up, redirects are followed without giving anything away.
 */
export class Transport {
  readonly #options: TransportOptions
  readonly #agents: AgentPool

  constructor(options: TransportOptions) {
    this.#options = options
    this.#agents = new AgentPool(options.env)
  }

  /**
   * Send a request and wait for the head of its answer. GET and HEAD follow redirects; what sends
   * bytes follows those that ask for the same request again.
   *
   * @throws  the network's error as it is; UNAVAILABLE for a redirect that must not be followed
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const followed = followedStatuses(request)
    let url = request.url
    let tls = request.tls
    for (let hops = 0; ; hops += 1) {
      const isOrigin = url.origin === request.url.origin
      const response = await this.#sendOnce(request, url, tls, isOrigin)
      if (!followed.has(response.status)) return response
      response.discard()
      if (hops === maxRedirects) throw redirectError(request.url, `more than ${maxRedirects} hops`)
      const target = redirectTarget(url, response.header('location'))
      // A certificate of ours says who we are: only the host it is meant for may see it.
      if (target.hostname !== request.url.hostname) tls = anonymousTls(tls)
      url = target
    }
  }

  /** Close the connections that are kept. */
  close(): void {
    this.#agents.close()
  }

  async #sendOnce(
    request: HttpRequest,
    url: URL,
    tls: TlsSettings,
    isOrigin: boolean,
  ): Promise<HttpResponse> {
    // Only here: loading it takes longer than most commands.
    const { default: fetch } = await import('node-fetch')
    const startedAt = performance.now()
    const watch = new Watch(request.idleTimeoutMs ?? this.#options.idleTimeoutMs, request)
    const body = outgoingBody(request, watch)
    try {
      watch.expectData()
      const response = await fetch(url, {
        method: request.method,
        headers: {
          'User-Agent': this.#options.userAgent,
          // A coding on the way would change the bytes that a digest names.
          'Accept-Encoding': 'identity',
          ...request.headers,
          ...(isOrigin ? request.ownHeaders : {}),
          ...body?.headers,
        },
        ...(body === undefined ? {} : { body: body.content }),
        redirect: 'manual',
        compress: false,
        agent: this.#agents.agentFor(url, tls, request.dialTimeoutMs),
        signal: watch.signal,
      })
      watch.rest()
      const tookMs = Math.round(performance.now() - startedAt)
      this.#trace(`${request.method} ${redactUrl(url)} ${response.status} ${tookMs} ms`)
      const stream = response.body
      // Given up before it is read, a body would bring the process down.
      stream?.on('error', () => {})
      return {
        status: response.status,
        statusText: response.statusText,
        url,
        isFromOrigin: isOrigin,
        header: (name) => response.headers.get(name),
        body: watchedBody(stream, watch, () => body?.close()),
        discard: () => {
          watch.end()
          body?.close()
          if (stream !== null && 'destroy' in stream) (stream as NodeJS.ReadStream).destroy()
        },
      }
    } catch (error) {
      const failure = watch.reasonFor(error)
      watch.end()
      body?.close()
      this.#trace(`${request.method} ${redactUrl(url)} ${errorCode(failure) ?? 'failed'}`)
      throw failure
    }
  }

  #trace(line: string): void {
    this.#options.trace?.(line)
  }
}

/** The system's or the library's name for a failure. */
export function errorCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' ? code : undefined
}

/** Ends an exchange that the user gave up, that takes too long, or whose server says nothing. */
class Watch {
  readonly signal: AbortSignal
  readonly #controller = new AbortController()
  readonly #request: HttpRequest
  readonly #idleTimeoutMs: number
  readonly #total: NodeJS.Timeout | undefined
  #idle: NodeJS.Timeout | undefined

  constructor(idleTimeoutMs: number, request: HttpRequest) {
    this.#request = request
    this.#idleTimeoutMs = idleTimeoutMs
    request.signal?.throwIfAborted()
    const { signal } = this.#controller
    this.signal = request.signal === undefined ? signal : AbortSignal.any([signal, request.signal])
    const totalMs = request.totalTimeoutMs
    this.#total = totalMs === undefined ? undefined : this.#abortAfter(totalMs, 'not done after')
  }

  expectData(): void {
    this.#idle ??= this.#abortAfter(this.#idleTimeoutMs, 'no data for')
    this.#idle.refresh()
  }

  /** Whoever reads the body may take as long as it likes. */
  rest(): void {
    clearTimeout(this.#idle)
    this.#idle = undefined
  }

  end(): void {
    this.rest()
    clearTimeout(this.#total)
  }

  /** What an error means: an abort is the user's wish or a time that ran out. */
  reasonFor(error: unknown): unknown {
    if (this.#request.signal?.aborted === true) return this.#request.signal.reason
    return this.#controller.signal.aborted ? this.#controller.signal.reason : error
  }

  #abortAfter(ms: number, what: string): NodeJS.Timeout {
    return setTimeout(() => {
      const error: NodeJS.ErrnoException = new Error(`${what} ${ms / 1000} s`)
      error.code = 'ETIMEDOUT'
      this.#controller.abort(error)
    }, ms)
  }
}

async function* watchedBody(
  stream: NodeJS.ReadableStream | null,
  watch: Watch,
  close: () => void,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    if (stream === null) return
    watch.expectData()
    for await (const chunk of stream) {
      watch.rest()
      yield chunk as unknown as Buffer
      watch.expectData()
    }
  } catch (error) {
    throw watch.reasonFor(error)
  } finally {
    watch.end()
    close()
  }
}

function followedStatuses({ method, body }: HttpRequest): ReadonlySet<number> {
  if (method === 'GET' || method === 'HEAD') return redirectStatuses
  return typeof body === 'string' ? new Set() : repeatingStatuses
}

interface OutgoingBody {
  readonly content: string | Readable
  readonly headers: Readonly<Record<string, string>>
  /** A server may answer before it has read all: nothing more is sent then. */
  readonly close: () => void
}

function outgoingBody({ body }: HttpRequest, watch: Watch): OutgoingBody | undefined {
  if (body === undefined) return undefined
  if (typeof body === 'string') return { content: body, headers: {}, close: () => {} }
  const content = Readable.from(sentBytes(body, watch), { objectMode: false })
  content.on('error', () => {})
  const headers = { 'Content-Length': String(body.sizeBytes) }
  return { content, headers, close: () => content.destroy() }
}

async function* sentBytes(body: RequestBody, watch: Watch): AsyncGenerator<Buffer> {
  for await (const chunk of body.open()) {
    yield chunk
    // Asked for more: the server takes what is sent.
    watch.expectData()
  }
}

/** Where a server sends a client next. @throws UNAVAILABLE for where nothing must be sent */
export function redirectTarget(from: URL, location: string | null): URL {
  if (location === null || !URL.canParse(location, from.href)) {
    throw redirectError(from, 'without a usable Location')
  }
  const target = new URL(location, from.href)
  if (target.protocol !== 'https:' && target.protocol !== 'http:') {
    throw redirectError(from, `to ${target.protocol}`)
  }
  if (from.protocol === 'https:' && target.protocol === 'http:') {
    throw redirectError(from, `from https to ${redactUrl(target)}`)
  }
  if (target.username !== '' || target.password !== '') {
    throw redirectError(from, 'to a URL with credentials in it')
  }
  // Nobody outside has a say in what this machine asks of itself, or of its cloud's secrets.
  const isInward = isLoopback(target.hostname) && !isLoopback(from.hostname)
  if (isInward || isLinkLocal(target.hostname)) throw redirectError(from, `to ${target.host}`)
  return target
}

function redirectError(from: URL, why: string): TsctrError {
  return new TsctrError('UNAVAILABLE', `registry ${from.host}: redirect refused: ${why}`)
}
