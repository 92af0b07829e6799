import { TsctrError } from '../errors.ts'
import { errorCode, type HttpResponse } from './transport.ts'
import { printableWords } from './wording.ts'

const maxErrorBodyBytes = 8 * 1024

/** What is asked of which registry, for messages. */
export interface Operand {
  /** `docker.io/library/redis:alpine`, `blob sha256:…` */
  readonly what: string
  /** Registry as the user knows it: what `tsctr login` takes. */
  readonly registry: string
  /** Host that was asked. */
  readonly host: string
  /** What a 401 or 403 means; `access denied, or no such repository` unless given. */
  readonly refusal?: string | undefined
}

/** Failures that are the same a moment later; everything else of the network is worth another try. */
const lastingCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EACCES',
  'EPERM',
  'ERR_INVALID_CHAR',
  'ERR_INVALID_URL',
])

const transientStatuses = new Set([408, 429, 500, 502, 503, 504])

/** Whether the same request may succeed a moment later. */
export function isTransientStatus(status: number): boolean {
  return transientStatuses.has(status)
}

/** Whether the connection may do better a moment later. */
export function isTransientFailure(error: unknown): boolean {
  if (error instanceof TsctrError) return false
  const code = errorCode(error)
  if (code === undefined) return false
  return !lastingCodes.has(code) && !isTlsCode(code) && !code.startsWith('HPE_')
}

/** Put a failure of the connection into words; whatever is none stays as it is. */
export function connectionError(host: string, error: unknown): unknown {
  const code = errorCode(error)
  if (error instanceof TsctrError || code === undefined) return error
  // node-fetch puts the URL, query and all, before the reason.
  const reason = (error as Error).message.replace(/^request to .*? failed, reason: /s, '')
  // OpenSSL words a failure as `…:SSL routines:function:reason:file…`.
  const tlsReason = /:SSL routines:[^:]*:([^:]+)/.exec(reason)?.[1]
  const words = tlsReason === undefined ? reason || `connect ${code}` : `TLS: ${tlsReason}`
  const hint = hintFor(code, words)
  return new TsctrError('UNAVAILABLE', `registry ${host}: ${printableWords(words)}`, { hint })
}

/**
 * Put an answer that is no success into words, the registry's own among them.
 *
 * @returns  NOT_FOUND, UNAUTHORIZED or UNAVAILABLE
 * Source: OCI distribution-spec §error-codes
 */
export async function statusError(operand: Operand, response: HttpResponse): Promise<TsctrError> {
  const { words } = await readRefusal(response)
  const said = words === '' ? '' : `: ${words}`
  const { what, registry, host, refusal = 'access denied, or no such repository' } = operand
  if (response.status === 404) return new TsctrError('NOT_FOUND', `${what}: not found`)
  if (response.status === 401 || response.status === 403) {
    const message = `${what}: ${refusal}${said}`
    return new TsctrError('UNAUTHORIZED', message, { hint: `tsctr login ${registry}` })
  }
  const status = `${response.status} ${printableWords(response.statusText)}`.trim()
  const hint =
    response.status === 429 ? `wait, or raise the limit with: tsctr login ${registry}` : undefined
  return new TsctrError('UNAVAILABLE', `${what}: registry ${host}: ${status}${said}`, { hint })
}

/** All bytes of a small body. @throws UNAVAILABLE above `maxBytes` */
export async function readBody(
  response: HttpResponse,
  maxBytes: number,
  what: string,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of response.body) {
    sizeBytes += chunk.length
    if (sizeBytes > maxBytes) {
      throw new TsctrError('UNAVAILABLE', `${what}: answer is longer than ${maxBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** What a registry says of a request that it refuses. */
export interface Refusal {
  /** `DIGEST_INVALID`; `''` where it says none. */
  readonly code: string
  /** `toomanyrequests: You have reached…`, fit for a terminal; `''` where it says none. */
  readonly words: string
}

/** Read a refusal. A long or broken body is no reason to fail. Source: OCI distribution-spec §error-codes */
export async function readRefusal(response: HttpResponse): Promise<Refusal> {
  const nothing = { code: '', words: '' }
  let body: Buffer
  try {
    body = await readBody(response, maxErrorBodyBytes, '')
  } catch {
    return nothing
  }
  try {
    const { errors } = JSON.parse(body.toString()) as { errors?: unknown }
    const [first] = Array.isArray(errors) ? errors : []
    const { code, message } = (first ?? {}) as { code?: unknown; message?: unknown }
    const words = [code, message].filter((word) => typeof word === 'string' && word !== '')
    return {
      code: typeof code === 'string' ? code : '',
      words: printableWords(words.join(': ')),
    }
  } catch {
    // A page of HTML from some proxy tells a user nothing.
    return nothing
  }
}

function isTlsCode(code: string): boolean {
  return (
    code.startsWith('ERR_TLS') ||
    code.startsWith('ERR_SSL') ||
    code.startsWith('CERT_') ||
    code.includes('_CERT') ||
    code.startsWith('UNABLE_TO_') ||
    code === 'EPROTO' ||
    code === 'HOSTNAME_MISMATCH'
  )
}

function hintFor(code: string, words: string): string | undefined {
  if (/wrong version number|packet length too long/.test(words)) {
    return 'does it speak plain HTTP? then name it in hosts.toml as http://…'
  }
  if (/alert (certificate required|bad certificate|handshake failure)/.test(words)) {
    return 'it may want a certificate of yours: `client` in hosts.toml, or --cert-dir'
  }
  if (isTlsCode(code)) return 'trust its authority with `ca` in hosts.toml, or in the system bundle'
  if (code === 'ECONNREFUSED') return 'is the registry running, and the port right?'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'check the name and the DNS of this machine'
  return 'check the network, and HTTPS_PROXY where there is a proxy'
}
