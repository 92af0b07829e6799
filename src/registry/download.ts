import { type ErrorCode, TsctrError } from '../errors.ts'
import { defaultTls } from './agents.ts'
import { errorCode, type HttpResponse, Transport } from './transport.ts'
import { printableWords, redactUrl } from './wording.ts'

export interface DownloadOptions {
  readonly userAgent: string
  readonly signal?: AbortSignal | undefined
  /** How long the server may be silent; half a minute. */
  readonly idleTimeoutMs?: number | undefined
}

const defaultIdleTimeoutMs = 30_000

/**
 * The bytes behind an address that a user has typed, which is not a registry's. A name and password
 * in it are sent to its own host only.
 *
 * @throws  NOT_FOUND, UNAUTHORIZED, UNAVAILABLE; UNAVAILABLE too for a body that is cut off
 */
export async function* download(
  address: string,
  { userAgent, signal, idleTimeoutMs = defaultIdleTimeoutMs }: DownloadOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const { url, ownHeaders } = withoutCredentials(address)
  const transport = new Transport({ userAgent, idleTimeoutMs, env: process.env })
  try {
    const request = {
      method: 'GET' as const,
      url,
      headers: {},
      ownHeaders,
      tls: defaultTls,
      signal,
    }
    const response = await transport.send(request)
    if (response.status !== 200) throw refusal(url, response)
    const declared = response.header('content-length')
    let receivedBytes = 0
    for await (const chunk of response.body) {
      receivedBytes += chunk.length
      yield chunk
    }
    if (declared !== null && Number(declared) !== receivedBytes) {
      const message = `${redactUrl(url)}: ended after ${receivedBytes} of ${declared} bytes`
      throw new TsctrError('UNAVAILABLE', message)
    }
  } catch (error) {
    const isWorded = error instanceof TsctrError || errorCode(error) === undefined
    if (isWorded || signal?.aborted === true) throw error
    const words = printableWords((error as Error).message)
    throw new TsctrError('UNAVAILABLE', `${redactUrl(url)}: ${words}`, { cause: error })
  } finally {
    transport.close()
  }
}

function refusal(url: URL, response: HttpResponse): TsctrError {
  response.discard()
  const codes = new Map<number, ErrorCode>([
    [401, 'UNAUTHORIZED'],
    [403, 'UNAUTHORIZED'],
    [404, 'NOT_FOUND'],
  ])
  const words = `${response.status} ${printableWords(response.statusText)}`.trim()
  const code = codes.get(response.status) ?? 'UNAVAILABLE'
  return new TsctrError(code, `${redactUrl(url)}: ${words}`)
}

function withoutCredentials(address: string): {
  url: URL
  ownHeaders: Readonly<Record<string, string>>
} {
  if (!URL.canParse(address)) throw new TsctrError('INVALID_ARGUMENT', 'address: not a URL')
  const url = new URL(address)
  if (url.username === '' && url.password === '') return { url, ownHeaders: {} }
  const pair = [url.username, url.password].map(decodeURIComponent).join(':')
  url.username = ''
  url.password = ''
  return {
    url,
    ownHeaders: { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
  }
}
