import { TsctrError } from '../errors.ts'
import { field, type JsonObject, optionalString } from '../oci/json-document.ts'
import type { TlsSettings } from './agents.ts'
import { parseSecretJson } from './credential-config.ts'
import { basicHeader, type Credential } from './credentials.ts'
import { readBody, statusError } from './registry-error.ts'
import type { HttpRequest, HttpResponse } from './transport.ts'

/** Where and as whom to get a token. */
export interface TokenService {
  readonly registryHost: string
  readonly realm: URL
  readonly service: string | undefined
  /** `''` for none: a proof of the login alone. */
  readonly scope: string
  /** Anonymous without one. */
  readonly credential: Exclude<Credential, { kind: 'registryToken' }> | undefined
  readonly tls: TlsSettings
  /** Ask for what may be kept in place of the password. */
  readonly wantsIdentityToken: boolean
}

export interface Token {
  readonly header: string
  /** Only where one was wanted; many services have none. */
  readonly identityToken: string | undefined
  /** When to have a new one, in performance.now()'s time: a wall clock may jump. */
  readonly expiresAt: number
}

type Send = (request: HttpRequest) => Promise<HttpResponse>

const clientId = 'tsctr'
const maxTokenBytes = 256 * 1024
const totalTimeoutMs = 60_000
const defaultLifetimeSeconds = 60
/** Renewed this much before its end, so that it does not end on its way. */
const maxMarginMs = 10_000

/** Statuses by which a token service says that it does not know the POST form. */
const postUnknown = new Set([400, 401, 404, 405])

/**
 * Get a token.
 *
 * @throws  UNAUTHORIZED if the service refuses the user, UNAVAILABLE for an answer that is no token
 * Source: distribution §spec/auth/oauth, §spec/auth/token
 */
export async function fetchToken(service: TokenService, send: Send): Promise<Token> {
  const askedAt = performance.now()
  const response = await ask(service, send)
  const what = `token service ${service.realm.host}`
  if (response.status !== 200) {
    const registry = service.registryHost
    const refusal = service.credential === undefined ? 'access denied' : 'does not accept the login'
    throw await statusError({ what, registry, host: service.realm.host, refusal }, response)
  }
  const answer = parseAnswer(await readBody(response, maxTokenBytes, what), what)
  const text = optionalString(answer, 'token', what) || optionalString(answer, 'access_token', what)
  // Anything else could end the header and begin another.
  if (text === undefined || !/^[\x21-\x7e]+$/.test(text)) {
    throw new TsctrError('UNAVAILABLE', `${what}: answer has no usable token`)
  }
  const seconds = field(answer, 'expires_in')
  const isUsable = typeof seconds === 'number' && seconds > 0
  const lifetimeMs = (isUsable ? seconds : defaultLifetimeSeconds) * 1000
  const marginMs = Math.min(maxMarginMs, lifetimeMs / 4)
  return {
    header: `Bearer ${text}`,
    identityToken: service.wantsIdentityToken
      ? optionalString(answer, 'refresh_token', what) || undefined
      : undefined,
    expiresAt: askedAt + lifetimeMs - marginMs,
  }
}

async function ask(service: TokenService, send: Send): Promise<HttpResponse> {
  if (service.credential === undefined) return send(getRequest(service))
  // As docker's login does: some services keep identity tokens for this form.
  if (service.wantsIdentityToken && service.credential.kind === 'password') {
    return send(getRequest(service, service.credential))
  }
  const response = await send(postRequest(service, service.credential))
  if (!postUnknown.has(response.status)) return response
  // An identity token has no other form.
  if (service.credential.kind === 'identityToken') return response
  response.discard()
  return send(getRequest(service, service.credential))
}

function getRequest(
  service: TokenService,
  credential?: Credential & { kind: 'password' },
): HttpRequest {
  const url = new URL(service.realm)
  if (service.service !== undefined) url.searchParams.set('service', service.service)
  for (const scope of service.scope.split(' ').filter(Boolean)) {
    url.searchParams.append('scope', scope)
  }
  if (service.wantsIdentityToken) url.searchParams.set('offline_token', 'true')
  if (credential !== undefined) {
    url.searchParams.set('account', credential.username)
    url.searchParams.set('client_id', clientId)
  }
  const ownHeaders = credential === undefined ? {} : { Authorization: basicHeader(credential) }
  return { ...commonParts(service), method: 'GET', url, headers: {}, ownHeaders }
}

function postRequest(
  service: TokenService,
  credential: NonNullable<TokenService['credential']>,
): HttpRequest {
  const form = new URLSearchParams({ client_id: clientId })
  if (service.scope !== '') form.set('scope', service.scope)
  if (service.service !== undefined) form.set('service', service.service)
  if (credential.kind === 'identityToken') {
    form.set('grant_type', 'refresh_token')
    form.set('refresh_token', credential.secret)
  } else {
    form.set('grant_type', 'password')
    form.set('username', credential.username)
    form.set('password', credential.secret)
  }
  return {
    ...commonParts(service),
    method: 'POST',
    url: service.realm,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    ownHeaders: {},
    body: form.toString(),
  }
}

function commonParts(service: TokenService): Pick<HttpRequest, 'tls' | 'totalTimeoutMs'> {
  return { tls: service.tls, totalTimeoutMs }
}

function parseAnswer(bytes: Buffer, what: string): JsonObject {
  try {
    return parseSecretJson(bytes, what)
  } catch (cause) {
    throw new TsctrError('UNAVAILABLE', `${what}: answer has no usable token`, { cause })
  }
}
