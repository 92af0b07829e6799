import type { Endpoint } from './endpoint.ts'
import { errorCode, type Transport } from './transport.ts'

/**
 * Find out whether an endpoint that may speak plain HTTP does: TLS is tried first, and any answer
 * over it settles the matter.
 *
 * @returns  the endpoint's base with its true scheme
 */
export async function settleScheme(
  transport: Transport,
  endpoint: Endpoint,
  signal: AbortSignal | undefined,
): Promise<URL> {
  const url = new URL(endpoint.base)
  url.pathname += '/'
  try {
    const response = await transport.send({
      method: 'GET',
      url,
      headers: {},
      ownHeaders: endpoint.headers,
      tls: endpoint.tls,
      dialTimeoutMs: endpoint.dialTimeoutMs,
      signal,
    })
    response.discard()
    return endpoint.base
  } catch (error) {
    signal?.throwIfAborted()
    if (!isPlainAnswer(error)) throw error
    const base = new URL(endpoint.base)
    base.protocol = 'http:'
    return base
  }
}

/** What TLS makes of a server that does not speak it; or nobody listens where it would. */
function isPlainAnswer(error: unknown): boolean {
  const code = errorCode(error) ?? ''
  // Who speaks no TLS sends no alert: the server wants something else, a certificate of ours say.
  if (/[_ ]alert[_ ]/i.test(`${code} ${String(error)}`)) return false
  return (
    code === 'EPROTO' || code.startsWith('ERR_SSL') || ['ECONNREFUSED', 'ECONNRESET'].includes(code)
  )
}
