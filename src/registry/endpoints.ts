import { TsctrError } from '../errors.ts'
import { defaultTls, isLoopback, type TlsSettings } from './agents.ts'
import { findHostsFile } from './hosts-file.ts'

export type Capability = 'pull' | 'resolve' | 'push'

/** A server that answers for a registry: a mirror of it, or the registry itself. */
export interface Endpoint {
  /** Host and port: what its credentials are for. */
  readonly host: string
  /** Up to and with `/v2`, no slash at the end. */
  readonly base: URL
  readonly capabilities: ReadonlySet<Capability>
  /** From the configuration; sent to this endpoint only. */
  readonly headers: Readonly<Record<string, string>>
  readonly tls: TlsSettings
  /** Sent to mirrors as `?ns=`, so that one can serve several registries. */
  readonly namespace: string | undefined
  /** Whether it may turn out to speak plain HTTP though its URL says https. */
  readonly mayBePlain: boolean
}

export interface EndpointOptions {
  /** Directories of `<host>/hosts.toml`, in the order they are searched. */
  readonly hostsDirs: readonly string[]
  /** Registries that may speak plain HTTP, or prove nothing. */
  readonly insecureRegistries: readonly string[]
}

export const allCapabilities: ReadonlySet<Capability> = new Set(['pull', 'resolve', 'push'])

/**
 * The servers to ask for a registry: mirrors in the order of its hosts.toml, then the registry.
 *
 * @param registry  as in a reference: `docker.io`, `localhost:5000`
 * @throws          FAILED_PRECONDITION for a hosts.toml that cannot be understood
 * Source: containerd docs/hosts.md
 */
export async function endpointsFor(
  registry: string,
  options: EndpointOptions,
): Promise<readonly Endpoint[]> {
  const file = await findHostsFile(registry, options.hostsDirs)
  const isInsecure = options.insecureRegistries.includes(registry)
  const endpoints = (file?.mirrors ?? []).map((mirror) =>
    endpoint({ registry, isInsecure: false, ...mirror }),
  )
  const server = endpoint({
    registry,
    isInsecure,
    ...file?.server,
    url: file?.server.url ?? upstreamHost(registry),
  })
  const isListed = endpoints.some((mirror) => mirror.base.href === server.base.href)
  return isListed ? endpoints : [...endpoints, server]
}

export interface EndpointSettings {
  readonly capabilities?: ReadonlySet<Capability> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly tls?: TlsSettings | undefined
  /** The URL's path is the whole path: no `/v2` is added. */
  readonly overridesPath?: boolean | undefined
}

interface EndpointSource extends EndpointSettings {
  readonly registry: string
  /** A URL, or a host. */
  readonly url: string
  readonly isInsecure: boolean
}

function endpoint(source: EndpointSource): Endpoint {
  const { registry, isInsecure } = source
  const hasScheme = /^https?:\/\//.test(source.url)
  const text = hasScheme ? source.url : `https://${source.url}`
  if (!URL.canParse(text)) throw new TsctrError('INVALID_ARGUMENT', `registry ${registry}: bad URL`)
  const base = new URL(text)
  base.search = ''
  base.hash = ''
  const path = base.pathname.replace(/\/+$/, '')
  base.pathname = source.overridesPath === true ? path : path.replace(/(\/v2)?$/, '/v2')
  // Nobody listens in on this machine's own connections.
  const isTrusted = isInsecure || (!hasScheme && isLoopback(base.hostname))
  const tls = source.tls ?? defaultTls
  return {
    host: base.host,
    base,
    capabilities: source.capabilities ?? allCapabilities,
    headers: source.headers ?? {},
    tls: isTrusted ? { ...tls, skipsVerify: true } : tls,
    namespace:
      base.host === new URL(`https://${upstreamHost(registry)}`).host ? undefined : registry,
    mayBePlain: isTrusted && base.protocol === 'https:',
  }
}

/** Where a registry's name and its host differ. */
function upstreamHost(registry: string): string {
  return registry === 'docker.io' ? 'registry-1.docker.io' : registry
}
