import { anonymousTls } from './agents.ts'
import type { Access, Authorizer } from './authorizer.ts'
import type { Endpoint } from './endpoint.ts'
import {
  connectionError,
  isTransientFailure,
  isTransientStatus,
  type Operand,
  statusError,
} from './registry-error.ts'
import { type RetryBudget, retryAfterMs } from './retry-budget.ts'
import type { HttpRequest, HttpResponse, RequestBody, Transport } from './transport.ts'

/** A request to an endpoint, without what the endpoint adds. */
export interface EndpointRequest {
  readonly method: HttpRequest['method']
  /** Below `/v2`: `/library/redis/manifests/alpine`; or an address that the endpoint has named. */
  readonly path: string | URL
  readonly query?: Readonly<Record<string, string>> | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly access: Access
  readonly operand: Operand
  readonly body?: RequestBody | undefined
  /** Failures that pass are the caller's: the server may have taken a part of the body. */
  readonly isSentOnce?: boolean | undefined
  readonly totalTimeoutMs?: number | undefined
  readonly idleTimeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Enough for a token that ends while a request is under way, and for its renewal. */
const maxRefusals = 3

/**
 * Send to an endpoint: with its headers and authorization, again after failures that pass.
 *
 * @param base  the endpoint's base, its scheme settled
 * @returns     an answer with any status but 401 from the endpoint itself and those worth a retry
 * @throws      UNAUTHORIZED, UNAVAILABLE; the network's error as it is where the request is sent once
 */
export async function sendToEndpoint(
  transport: Transport,
  authorizer: Authorizer,
  endpoint: Endpoint,
  base: URL,
  request: EndpointRequest,
  budget: RetryBudget,
): Promise<HttpResponse> {
  const url = addressOf(endpoint, base, request)
  // An address elsewhere gets nothing that is meant for the endpoint.
  const isOwn = url.origin === base.origin
  const { signal } = request
  for (let refusals = 0; ; refusals += 1) {
    const header = await abortable(authorizer.headerFor(endpoint, request.access), signal)
    const authorization = header === undefined ? {} : { Authorization: header }
    const wire: HttpRequest = {
      method: request.method,
      url,
      headers: request.headers,
      ownHeaders: isOwn ? { ...endpoint.headers, ...authorization } : {},
      body: request.body,
      tls: url.hostname === base.hostname ? endpoint.tls : anonymousTls(endpoint.tls),
      dialTimeoutMs: endpoint.dialTimeoutMs,
      totalTimeoutMs: request.totalTimeoutMs,
      idleTimeoutMs: request.idleTimeoutMs,
      signal,
    }
    const response =
      request.isSentOnce === true
        ? await transport.send(wire)
        : await sendPatiently(transport, wire, request.operand, budget)
    if (response.status !== 401 || !response.isFromOrigin || !isOwn) return response
    if (refusals === maxRefusals) throw await statusError(request.operand, response)
    response.discard()
    const challenge = response.header('www-authenticate')
    await abortable(authorizer.onRefusal(endpoint, request.access, header, challenge), signal)
  }
}

function addressOf(endpoint: Endpoint, base: URL, { path, query }: EndpointRequest): URL {
  const url = new URL(path instanceof URL ? path : base)
  if (typeof path === 'string') {
    url.pathname = `${base.pathname}${path}`
    if (endpoint.namespace !== undefined) url.searchParams.set('ns', endpoint.namespace)
  }
  for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value)
  return url
}

/**
 * Send, and again after failures that pass.
 *
 * @throws  UNAVAILABLE with the last failure once the budget is spent
 */
export async function sendPatiently(
  transport: Transport,
  request: HttpRequest,
  operand: Operand,
  budget: RetryBudget,
): Promise<HttpResponse> {
  for (;;) {
    let response: HttpResponse
    try {
      response = await transport.send(request)
    } catch (error) {
      request.signal?.throwIfAborted()
      const failure = connectionError(operand.host, error)
      if (!isTransientFailure(error)) throw failure
      await budget.spend(failure)
      continue
    }
    // A signed address that has run out: the registry gives a new one.
    const isStale = !response.isFromOrigin && (response.status === 401 || response.status === 403)
    if (!isTransientStatus(response.status) && !isStale) return response
    const waitMs = retryAfterMs(response.header('retry-after'))
    await budget.spend(await statusError(operand, response), waitMs)
  }
}

/** Stop waiting for something that others wait for too. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
