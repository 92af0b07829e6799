import { TsctrError } from '../errors.ts'
import { type Reference, repositoryName } from '../oci/reference.ts'
import type { Access, Authorizer } from './authorizer.ts'
import type { Endpoint } from './endpoint.ts'
import { type Operand, type Refusal, readBody, readRefusal } from './registry-error.ts'
import { RetryBudget, type RetryPolicy } from './retry-budget.ts'
import { type EndpointRequest, sendToEndpoint } from './session.ts'
import { type HttpResponse, redirectTarget, type Transport } from './transport.ts'

const maxDrainBytes = 64 * 1024

/** The one server that takes pushes to a repository, and how to speak to it. */
export interface PushChannel {
  /** As that server knows it. */
  readonly repository: string
  /** Whether it has another name there; what others have is not known then. */
  readonly isRenamed: boolean
  /** `docker.io/library/redis`, for messages. */
  readonly name: string
  /** Registry as the user knows it, and the host that answers for it. */
  readonly registry: string
  readonly host: string
  readonly base: URL
  readonly signal: AbortSignal
  /** For the failures of one transfer. */
  newBudget(): RetryBudget
  /** @throws as sendToEndpoint does */
  send(request: PushStep, budget: RetryBudget): Promise<HttpResponse>
}

/** One request of a push. */
export interface PushStep
  extends Omit<EndpointRequest, 'access' | 'operand' | 'headers' | 'signal'> {
  /** What is pushed, for messages: `blob sha256:…`. */
  readonly what: string
  readonly headers?: EndpointRequest['headers'] | undefined
  readonly mountsFrom?: string | undefined
}

export interface PushChannelOptions {
  readonly endpoint: Endpoint
  /** The endpoint's base, its scheme settled. */
  readonly base: URL
  readonly reference: Reference
  readonly transport: Transport
  readonly authorizer: Authorizer
  readonly retryPolicy: RetryPolicy
  readonly signal: AbortSignal
}

export function openPushChannel(options: PushChannelOptions): PushChannel {
  const { endpoint, base, reference, transport, authorizer, retryPolicy, signal } = options
  const { host, repository } = endpoint
  const channel: PushChannel = {
    ...{ repository, host, base, signal },
    name: repositoryName(reference),
    registry: endpoint.isMirror ? host : reference.registry,
    isRenamed: repository !== reference.repository,
    newBudget: () => new RetryBudget(retryPolicy, signal),
    send: ({ what, mountsFrom, headers = {}, ...step }, budget) => {
      const access: Access = { repository, actions: 'pull,push', mountsFrom }
      const request = { ...step, headers, access, operand: operandOf(channel, what), signal }
      return sendToEndpoint(transport, authorizer, endpoint, base, request, budget)
    },
  }
  return channel
}

function operandOf({ name, registry, host }: PushChannel, what: string): Operand {
  const refusal = `push access denied by ${host}`
  return { what: `${name}: ${what}`, registry, host, refusal }
}

/**
 * Where an upload goes on.
 *
 * @throws  UNAVAILABLE for an answer that says nowhere, or where nothing must be sent
 * Source: OCI distribution-spec §pushing-blobs: the Location is absolute or relative
 */
export function uploadLocation({ base }: PushChannel, response: HttpResponse): URL {
  const location = response.header('location')
  const text = location ?? ''
  // A registry behind a proxy that ends TLS may name itself by http: it is spoken to as before.
  if (text !== '' && URL.canParse(text, response.url.href)) {
    const target = new URL(text, response.url.href)
    if (target.host === base.host && target.username === '' && target.password === '') {
      target.protocol = base.protocol
      return target
    }
  }
  return redirectTarget(response.url, location)
}

/** Read an answer of which only the head counts to its end, so that its connection is kept. */
export async function drain(response: HttpResponse): Promise<void> {
  try {
    await readBody(response, maxDrainBytes, '')
  } catch {
    response.discard()
  }
}

/** Put an answer that ends a push into words, the registry's own among them. */
export async function pushError(
  channel: PushChannel,
  what: string,
  response: HttpResponse,
): Promise<TsctrError> {
  return refusedPush(channel, what, response, await readRefusal(response))
}

/** As pushError, for an answer that was read. */
export function refusedPush(
  channel: PushChannel,
  what: string,
  { status }: HttpResponse,
  { words }: Refusal,
): TsctrError {
  const { name, registry, host } = channel
  const said = words === '' ? '' : `: ${words}`
  if (status === 401 || status === 403) {
    return new TsctrError('UNAUTHORIZED', `${name}: push access denied by ${host}${said}`, {
      hint: `tsctr login ${registry}`,
    })
  }
  const message = `${name}: ${what}: registry ${host}: answered ${status}${said}`
  return new TsctrError(status === 404 ? 'NOT_FOUND' : 'UNAVAILABLE', message)
}
