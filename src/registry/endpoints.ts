import { TsctrError } from '../errors.ts'
import type { Reference } from '../oci/reference.ts'
import type { TlsSettings } from './agents.ts'
import { type Capability, type Endpoint, makeEndpoint, upstreamHost } from './endpoint.ts'
import { dockerTls, findHostsFile, type HostsFile } from './hosts-file.ts'
import { isInsecureHost } from './insecure-hosts.ts'
import { findRegistryRule, type RegistryRule } from './registries-conf.ts'

export interface EndpointOptions {
  /** Directories of `<host>/hosts.toml`, in the order they are searched. */
  readonly hostsDirs: readonly string[]
  /** Files in the form of registries.conf; a later one wins. */
  readonly registriesFiles: readonly string[]
  /** Registries that may speak plain HTTP, or prove nothing. */
  readonly insecureRegistries: readonly string[]
  /** A directory as docker has it, for the registries themselves and not for their mirrors. */
  readonly certDir?: string | undefined
}

const mirrorCapabilities: ReadonlySet<Capability> = new Set(['pull', 'resolve'])

/** What is asked for; mirrors may be for a part of a registry, or for digests only. */
export type EndpointTarget = Pick<Reference, 'registry' | 'repository' | 'digest'>

/**
 * The servers to ask, in order: mirrors, then the registry itself. A hosts.toml decides; where there
 * is none for the registry, registries.conf.
 *
 * @throws  FAILED_PRECONDITION for a file that cannot be understood, or that blocks the registry
 * Source: containerd docs/hosts.md; containers-registries.conf(5)
 */
export async function endpointsFor(
  target: EndpointTarget,
  options: EndpointOptions,
): Promise<readonly Endpoint[]> {
  const endpoints = await configuredEndpoints(target, options)
  const { certDir, insecureRegistries } = options
  if (certDir === undefined) return endpoints
  const tls = dockerTls(certDir)
  return endpoints.map((endpoint) => {
    if (endpoint.isMirror) return endpoint
    // Loopback may show any certificate; who brings some wants them to count.
    const skipsVerify = isInsecureHost(endpoint.base, insecureRegistries)
    const mayBePlain = skipsVerify && endpoint.mayBePlain
    return { ...endpoint, tls: { ...tls, skipsVerify }, mayBePlain }
  })
}

async function configuredEndpoints(
  target: EndpointTarget,
  options: EndpointOptions,
): Promise<readonly Endpoint[]> {
  const file = await findHostsFile(target.registry, options.hostsDirs)
  if (file?.hasServers === true) return hostsEndpoints(target, file, options)
  const rule = await findRegistryRule(target, options.registriesFiles)
  if (rule !== undefined) return ruleEndpoints(target, rule, options)
  return [ownEndpoint(target, file?.server.tls, options)]
}

/** The registry itself, whoever answers for it otherwise: where a login to it is checked. */
export async function registryEndpoint(
  registry: string,
  options: EndpointOptions,
): Promise<Endpoint> {
  const target = { registry, repository: '', digest: undefined }
  const endpoints = await endpointsFor(target, options)
  const { host } = new URL(`https://${upstreamHost(registry)}`)
  return endpoints.find((each) => each.host === host) ?? ownEndpoint(target, undefined, options)
}

function ownEndpoint(
  { registry, repository }: EndpointTarget,
  tls: TlsSettings | undefined,
  { insecureRegistries }: EndpointOptions,
): Endpoint {
  const url = upstreamHost(registry)
  const none = { isMirror: false, sendsNamespace: false }
  return makeEndpoint({ registry, repository, url, tls, insecureRegistries, ...none })
}

function hostsEndpoints(
  { registry, repository }: EndpointTarget,
  file: HostsFile,
  { insecureRegistries }: EndpointOptions,
): Endpoint[] {
  const own = new URL(`https://${upstreamHost(registry)}`).host
  const make = (settings: HostsFile['mirrors'][number]): Endpoint => {
    const { host } = new URL(fullUrl(settings.url, registry))
    const isMirror = host !== own
    const common = { registry, repository, insecureRegistries, isMirror, sendsNamespace: isMirror }
    return makeEndpoint({ ...common, ...settings })
  }
  const mirrors = file.mirrors.map(make)
  const server = make({ ...file.server, url: file.server.url ?? upstreamHost(registry) })
  const listed = mirrors.find((mirror) => mirror.base.href === server.base.href)
  if (listed === undefined) return [...mirrors, server]
  // Asked in its own place, and for all that the registry itself may be asked for.
  const capabilities = new Set([...listed.capabilities, ...server.capabilities])
  return mirrors.map((mirror) => (mirror === listed ? { ...listed, capabilities } : mirror))
}

function fullUrl(url: string, registry: string): string {
  const text = /^https?:\/\//.test(url) ? url : `https://${url}`
  if (URL.canParse(text)) return text
  throw new TsctrError('INVALID_ARGUMENT', `registry ${registry}: bad URL`)
}

/** Each place has the certificates that docker's directories hold for its host. */
async function ruleEndpoints(
  { registry, repository }: EndpointTarget,
  rule: RegistryRule,
  { hostsDirs, insecureRegistries }: EndpointOptions,
): Promise<Endpoint[]> {
  const endpoints: Endpoint[] = []
  for (const { host, repository: there, isInsecure, isMirror } of rule.placesFor(repository)) {
    const file = await findHostsFile(host, hostsDirs)
    endpoints.push(
      makeEndpoint({
        registry,
        repository: there,
        url: upstreamHost(host),
        tls: file?.hasServers === false ? file.server.tls : undefined,
        isInsecure,
        isMirror,
        // Pushes go to the registry's own place.
        capabilities: isMirror ? mirrorCapabilities : undefined,
        sendsNamespace: false,
        insecureRegistries,
      }),
    )
  }
  return endpoints
}
