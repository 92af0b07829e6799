import { TsctrError } from '../errors.ts'
import type { Reference } from '../oci/reference.ts'
import { manifestAccept } from './manifest-answer.ts'
import { connectionError, isTransientFailure, type Operand, statusError } from './registry-error.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { EndpointRequest } from './session.ts'
import type { HttpResponse } from './transport.ts'

export const documentTimeoutMs = 60_000

/** @param nextServer  for what this one cannot finish; undefined for the last */
export type Attempt<T> = (
  send: Send,
  operand: Operand,
  budget: RetryBudget,
  signal: AbortSignal,
  nextServer: number | undefined,
) => Promise<T>

export type Send = (request: ServerRequest) => Promise<HttpResponse>

/** What is asked of a server, whichever it is. */
export type ServerRequest = Pick<
  EndpointRequest,
  'method' | 'query' | 'headers' | 'totalTimeoutMs'
> & { readonly path: string }

/** Ask for a small document, again if the connection breaks while it arrives. */
export async function readDocument<T>(
  request: ServerRequest,
  send: Send,
  operand: Operand,
  budget: RetryBudget,
  read: (response: HttpResponse) => Promise<T>,
): Promise<T> {
  for (;;) {
    const response = await send(request)
    if (response.status !== 200) throw await statusError(operand, response)
    try {
      return await read(response)
    } catch (error) {
      if (!isTransientFailure(error)) throw error
      await budget.spend(connectionError(operand.host, error))
    }
  }
}

export function manifestRequest(reference: Reference, name: string): ServerRequest {
  return {
    method: 'GET',
    path: `/${reference.repository}/manifests/${name}`,
    headers: { Accept: manifestAccept },
    totalTimeoutMs: documentTimeoutMs,
  }
}

/** The registry's own answer counts; what its mirrors said before is a hint. */
export function summary(
  failures: readonly TsctrError[],
  what: string,
  capability: string,
): TsctrError {
  const last = failures.at(-1)
  if (last === undefined) {
    const message = `${what}: no server in hosts.toml has the capability "${capability}"`
    return new TsctrError('FAILED_PRECONDITION', message)
  }
  const earlier = failures.slice(0, -1).map((failure) => `a mirror said: ${failure.message}`)
  if (earlier.length === 0) return last
  const hint = [last.hint, ...earlier].filter((line) => line !== undefined).join('; ')
  return new TsctrError(last.code, last.message, { hint, cause: last.cause })
}
