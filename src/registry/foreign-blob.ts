import type { Readable } from 'node:stream'
import { TsctrError } from '../errors.ts'
import { defaultTls, isLinkLocal } from './agents.ts'
import { openBlobStream } from './blob-stream.ts'
import type { Operand } from './registry-error.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { HttpRequest, HttpResponse } from './transport.ts'
import { redactUrl } from './wording.ts'

export interface ForeignBlobOptions {
  /** As the descriptor has them: anything. */
  readonly urls: readonly string[]
  readonly sizeBytes: number
  readonly offsetBytes: number
  readonly what: string
  readonly send: (
    request: HttpRequest,
    operand: Operand,
    budget: RetryBudget,
  ) => Promise<HttpResponse>
  /** One for each address. */
  readonly budget: () => RetryBudget
  readonly signal: AbortSignal
}

/**
 * A blob from where its descriptor says it lies, the first address that has it. Nothing that
 * belongs to a registry is sent there: no credentials, no client certificate, no headers of the
 * user's configuration.
 *
 * @throws  UNAVAILABLE if no address can be used; the last one's failure
 * Source: OCI image-spec §descriptor.md#properties `urls`; CVE-2020-15157
 */
export async function openForeignBlob(options: ForeignBlobOptions): Promise<Readable> {
  const { what, signal } = options
  let failure: unknown
  for (const text of options.urls) {
    signal.throwIfAborted()
    const url = usableUrl(text)
    if (url === undefined) {
      const shown = JSON.stringify(text.slice(0, 100))
      failure ??= new TsctrError('UNAVAILABLE', `${what}: ${shown}: not fetched from there`)
      continue
    }
    const operand = { what: `${what}: ${redactUrl(url)}`, registry: url.host, host: url.host }
    const budget = options.budget()
    const request = (headers: Readonly<Record<string, string>>): Promise<HttpResponse> =>
      options.send(
        { method: 'GET', url, headers, ownHeaders: {}, tls: defaultTls, signal },
        operand,
        budget,
      )
    try {
      return await openBlobStream({ ...options, request, operand, budget })
    } catch (error) {
      signal.throwIfAborted()
      failure = error
    }
  }
  throw failure ?? new TsctrError('NOT_FOUND', `${what}: not found`)
}

function usableUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:'
  const hasCredentials = url.username !== '' || url.password !== ''
  return isWeb && !hasCredentials && !isLinkLocal(url.hostname) ? url : undefined
}
