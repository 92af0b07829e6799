import { TsctrError } from '../errors.ts'
import { anonymousTls, defaultTls, isLinkLocal, isLoopback } from './agents.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import {
  basicHeader,
  type Credential,
  type CredentialSource,
  credentialHost,
} from './credentials.ts'
import type { Endpoint } from './endpoint.ts'
import { fetchToken, type Token, type TokenService } from './token.ts'
import type { HttpRequest, HttpResponse } from './transport.ts'
import { redactUrl } from './wording.ts'

/** What a request is about: a token is for just this. No repository: for the registry as such. */
export interface Access {
  readonly repository: string
  readonly actions: 'pull' | 'pull,push'
  /** A repository that must be readable too, for a blob of it to be mounted. */
  readonly mountsFrom?: string | undefined
}

export interface AuthorizerOptions {
  readonly credentials: CredentialSource
  /** Sends with retries. */
  readonly send: (request: HttpRequest) => Promise<HttpResponse>
  /** What the credentials are in a message: `the saved login` unless given. */
  readonly credentialWords?: string | undefined
  /** Called with what a token service gives in place of the password; none is asked for without it. */
  readonly onIdentityToken?: ((secret: string) => void) | undefined
}

const sharedSecondLevel = /^(?:ac|co|com|edu|gov|net|or|org)\.[a-z]{2}$/

/** How an endpoint wants to be spoken to about one access. */
type Agreement =
  | { readonly kind: 'fixed'; readonly header: string }
  | { readonly kind: 'token'; readonly service: TokenService; current: Promise<Token> }

/**
 * Finds the Authorization header for requests. Nothing is sent before a server asks for it, and
 * then only to that server; concurrent requests share one token and its renewal.
 */
export class Authorizer {
  readonly #options: AuthorizerOptions
  readonly #agreements = new Map<string, Agreement>()

  constructor(options: AuthorizerOptions) {
    this.#options = options
  }

  /** The header for a request, if the endpoint has asked for one before. A token about to end is renewed. */
  async headerFor(endpoint: Endpoint, access: Access): Promise<string | undefined> {
    const agreement = this.#agreements.get(keyOf(endpoint, access))
    if (agreement === undefined) return undefined
    if (agreement.kind === 'fixed') return agreement.header
    const held = agreement.current
    const token = await held
    return token.expiresAt > performance.now() ? token.header : this.#renew(agreement, held)
  }

  /**
   * Act on a 401, so that headerFor has something better.
   *
   * @param sent  the header that was not good enough
   * @throws      UNAUTHORIZED if there is nothing better
   */
  async onRefusal(
    endpoint: Endpoint,
    access: Access,
    sent: string | undefined,
    wwwAuthenticate: string | null,
  ): Promise<void> {
    const challenges = parseChallenges(wwwAuthenticate)
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
    if (bearer?.parameters.get('error') === 'insufficient_scope' && sent !== undefined) {
      throw refused(endpoint, `these credentials may not ${access.actions} ${access.repository}`)
    }
    if (bearer !== undefined) return this.#agreeOnToken(endpoint, access, sent, bearer)
    if (challenges.some(({ scheme }) => scheme === 'basic')) {
      return this.#agreeOnPassword(endpoint, access, sent)
    }
    throw refused(endpoint, 'asks for a login in a way that is not supported')
  }

  async #agreeOnPassword(endpoint: Endpoint, access: Access, sent?: string): Promise<void> {
    const credential = await this.#options.credentials.find(endpoint.host, access.repository)
    if (credential?.kind !== 'password') throw refused(endpoint, 'needs a login')
    const header = basicHeader(credential)
    if (sent === header) {
      const words = this.#options.credentialWords ?? 'the saved login'
      throw refused(endpoint, `does not accept ${words}`)
    }
    this.#agreements.set(keyOf(endpoint, access), { kind: 'fixed', header })
  }

  async #agreeOnToken(
    endpoint: Endpoint,
    access: Access,
    sent: string | undefined,
    challenge: Challenge,
  ): Promise<void> {
    const key = keyOf(endpoint, access)
    const known = this.#agreements.get(key)
    if (known?.kind === 'token') {
      const held = known.current
      // Another request may have renewed it while this one was under way.
      if ((await held).header === sent) await this.#renew(known, held)
      return
    }
    const credential = await this.#options.credentials.find(endpoint.host, access.repository)
    if (credential?.kind === 'registryToken') {
      const header = `Bearer ${credential.secret}`
      if (sent === header) throw refused(endpoint, 'does not accept the saved token')
      this.#agreements.set(key, { kind: 'fixed', header })
      return
    }
    const service = {
      ...tokenService(endpoint, access, challenge, credential),
      wantsIdentityToken: this.#options.onIdentityToken !== undefined,
    }
    // Two requests may have come here at once: the first one's token serves both.
    const raced = this.#agreements.get(key)
    if (raced?.kind === 'token') {
      await raced.current
      return
    }
    const agreement: Agreement = { kind: 'token', service, current: this.#fetch(service) }
    this.#agreements.set(key, agreement)
    try {
      await agreement.current
    } catch (error) {
      this.#agreements.delete(key)
      throw error
    }
  }

  /** One renewal for all who find the same token unfit. */
  async #renew(agreement: Agreement & { kind: 'token' }, unfit: Promise<Token>): Promise<string> {
    if (agreement.current === unfit) {
      agreement.current = this.#fetch(agreement.service)
      // If it fails, the next request tries again from the old one.
      agreement.current.catch(() => {
        agreement.current = unfit
      })
    }
    return (await agreement.current).header
  }

  async #fetch(service: TokenService): Promise<Token> {
    const token = await fetchToken(service, this.#options.send)
    if (token.identityToken !== undefined) this.#options.onIdentityToken?.(token.identityToken)
    return token
  }
}

function keyOf(endpoint: Endpoint, access: Access): string {
  const { repository, actions, mountsFrom = '' } = access
  return `${endpoint.base.href} ${repository} ${actions} ${mountsFrom}`
}

function tokenService(
  endpoint: Endpoint,
  access: Access,
  challenge: Challenge,
  credential: Exclude<Credential, { kind: 'registryToken' }> | undefined,
): Omit<TokenService, 'wantsIdentityToken'> {
  const text = challenge.parameters.get('realm') ?? ''
  if (!URL.canParse(text)) throw refused(endpoint, 'names no token service')
  const realm = new URL(text)
  const problem = realmProblem(endpoint.base, realm, credential !== undefined)
  if (problem !== undefined) {
    throw refused(endpoint, `names the token service ${redactUrl(realm)}, ${problem}`)
  }
  const isSameHost = realm.hostname === endpoint.base.hostname
  const tls = { ...endpoint.tls, skipsVerify: false }
  return {
    registryHost: endpoint.host,
    realm,
    service: challenge.parameters.get('service'),
    scope: scopeFor(access, challenge.parameters.get('scope') ?? ''),
    credential,
    tls: isSameHost ? endpoint.tls : endpoint.tls === defaultTls ? defaultTls : anonymousTls(tls),
  }
}

/**
 * What a token must be good for: the challenge's word, which knows the names of a mirror, but is of
 * one request; where that only reads, those that follow may write.
 *
 * Source: distribution §spec/auth/scope
 */
function scopeFor({ repository, actions, mountsFrom }: Access, challenged: string): string {
  const source = mountsFrom === undefined ? undefined : `repository:${mountsFrom}:pull`
  const asked = challenged.split(' ').filter((scope) => scope !== '' && scope !== source)
  const named = repository === '' ? [] : [`repository:${repository}:${actions}`]
  const own = asked.length === 0 ? named : asked
  const wide = own.map((scope) =>
    actions === 'pull' ? scope : scope.replace(/^(repository:.*):pull$/, '$1:pull,push'),
  )
  return [...wide, ...(source === undefined ? [] : [source])].join(' ')
}

/**
 * Why a token service must not be asked. A registry may name any, so that what is sent there is
 * as safe as with the registry: never a password in the clear, nor to a stranger.
 */
function realmProblem(registry: URL, realm: URL, hasSecret: boolean): string | undefined {
  if (realm.protocol !== 'https:' && realm.protocol !== 'http:') return 'which is not on the web'
  if (realm.username !== '' || realm.password !== '') return 'which has credentials in its URL'
  if (isLinkLocal(realm.hostname)) return 'which is no place for one'
  if (!hasSecret) return undefined
  const isPlain = realm.protocol === 'http:' && !isLoopback(realm.hostname)
  if (isPlain && (registry.protocol === 'https:' || realm.hostname !== registry.hostname)) {
    return 'which would get the password in the clear'
  }
  return isRelated(registry.hostname, realm.hostname)
    ? undefined
    : 'which is of another domain: the password is not sent there'
}

/** `registry-1.docker.io` and `auth.docker.io`; addresses only if they are the same. */
function isRelated(registry: string, realm: string): boolean {
  if (registry === realm) return true
  const labels = registry.split('.')
  // example.co.uk is one domain, co.uk is none.
  const isShared = sharedSecondLevel.test(labels.slice(-2).join('.'))
  const domain = labels.slice(isShared ? -3 : -2).join('.')
  const isName = /[a-z]$/.test(domain) && domain.includes('.')
  return isName && (realm === domain || realm.endsWith(`.${domain}`))
}

function refused(endpoint: Endpoint, why: string): TsctrError {
  return new TsctrError('UNAUTHORIZED', `registry ${endpoint.host}: ${why}`, {
    hint: `tsctr login ${credentialHost(endpoint.host)}`,
  })
}
