import { TsctrError } from '../errors.ts'
import { defaultTls, isLoopback, type TlsSettings } from './agents.ts'
import { isInsecureHost } from './insecure-hosts.ts'

export type Capability = 'pull' | 'resolve' | 'push'

/** A server that answers for a repository: a mirror of its registry, or the registry itself. */
export interface Endpoint {
  /** Host and port: what its credentials are for. */
  readonly host: string
  /** Up to and with `/v2`, no slash at the end. */
  readonly base: URL
  /** What the repository is called there. */
  readonly repository: string
  readonly isMirror: boolean
  readonly capabilities: ReadonlySet<Capability>
  /** From the configuration; sent to this endpoint only. */
  readonly headers: Readonly<Record<string, string>>
  readonly tls: TlsSettings
  /** Sent to mirrors as `?ns=`, so that one can serve several registries. */
  readonly namespace: string | undefined
  /** Whether it may turn out to speak plain HTTP though its URL says https. */
  readonly mayBePlain: boolean
  /** How long a connection may take; as long as any silence unless given. */
  readonly dialTimeoutMs: number | undefined
}

export interface EndpointSettings {
  readonly capabilities?: ReadonlySet<Capability> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly tls?: TlsSettings | undefined
  /** The URL's path is the whole path: no `/v2` is added. */
  readonly overridesPath?: boolean | undefined
  readonly dialTimeoutMs?: number | undefined
}

export interface EndpointSource extends EndpointSettings {
  /** As in a reference. */
  readonly registry: string
  readonly repository: string
  /** A URL, or a host. */
  readonly url: string
  readonly isMirror: boolean
  /** Whether it is told whom it stands for. */
  readonly sendsNamespace: boolean
  /** It may speak plain HTTP and show any certificate. */
  readonly isInsecure?: boolean | undefined
  /** Hosts of which the same is true; networks as `10.0.0.0/8`. */
  readonly insecureRegistries: readonly string[]
}

const allCapabilities: ReadonlySet<Capability> = new Set(['pull', 'resolve', 'push'])

/** @throws INVALID_ARGUMENT for a URL that is none */
export function makeEndpoint(source: EndpointSource): Endpoint {
  const { registry } = source
  const hasScheme = /^https?:\/\//.test(source.url)
  const text = hasScheme ? source.url : `https://${source.url}`
  if (!URL.canParse(text)) throw new TsctrError('INVALID_ARGUMENT', `registry ${registry}: bad URL`)
  const base = new URL(text)
  base.search = ''
  base.hash = ''
  const path = base.pathname.replace(/\/+$/, '')
  base.pathname = source.overridesPath === true ? path : path.replace(/(\/v2)?$/, '/v2')
  const isInsecure = source.isInsecure === true || isInsecureHost(base, source.insecureRegistries)
  // Nobody listens in on this machine's own connections.
  const isTrusted = isInsecure || (!hasScheme && isLoopback(base.hostname))
  const tls = source.tls ?? defaultTls
  return {
    host: base.host,
    base,
    repository: source.repository,
    isMirror: source.isMirror,
    capabilities: source.capabilities ?? allCapabilities,
    headers: source.headers ?? {},
    tls: isTrusted ? { ...tls, skipsVerify: true } : tls,
    namespace: source.sendsNamespace ? registry : undefined,
    mayBePlain: isTrusted && base.protocol === 'https:',
    dialTimeoutMs: source.dialTimeoutMs,
  }
}

/** Where a registry's name and its host differ. */
export function upstreamHost(registry: string): string {
  return registry === 'docker.io' ? 'registry-1.docker.io' : registry
}
