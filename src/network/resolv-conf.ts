import type { NetworkKind } from './network-kind.ts'

export interface ResolvConfRequest {
  readonly networkKind: NetworkKind
  /** Text of the host's /etc/resolv.conf; empty if there is none. */
  readonly hostFile: string
  /** Text of systemdResolvConfPath, if there is one. */
  readonly systemdFile?: string | undefined
  /** `--dns`, `--dns-search`, `--dns-option`: each, if given at all, replaces the host's. */
  readonly dns: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
  /** Whether the container's network carries IPv6. */
  readonly hasIpv6?: boolean | undefined
}

/** The servers that the local stub of systemd-resolved asks. Source: systemd-resolved.service(8) */
export const systemdResolvConfPath = '/run/systemd/resolve/resolv.conf'

const systemdStub = '127.0.0.53'
const publicServers = ['8.8.8.8', '8.8.4.4']

/**
 * Text of a container's /etc/resolv.conf. With a network of its own the host's loopback is out of
 * reach, so servers there are left out, and public ones stand in where none is left.
 */
export function resolvConfText(request: ResolvConfRequest): string {
  const { networkKind, hostFile, dns, search, options } = request
  const isUnchanged = dns.length + search.length + options.length === 0
  if (networkKind === 'host' && isUnchanged) return hostFile
  const base = networkKind === 'host' ? parseResolvConf(hostFile) : reachableConf(request)
  return formatResolvConf({
    servers: dns.length > 0 ? dns : base.servers,
    // A single dot asks for no search at all.
    search: search.length > 0 ? search.filter((domain) => domain !== '.') : base.search,
    options: options.length > 0 ? options : base.options,
  })
}

/** The host's configuration, with the servers that a network of the container's own reaches. */
function reachableConf({ hostFile, systemdFile, hasIpv6 }: ResolvConfRequest): ResolvConf {
  const host = parseResolvConf(hostFile)
  const isStub = host.servers.length > 0 && host.servers.every((server) => server === systemdStub)
  const conf = isStub && systemdFile !== undefined ? parseResolvConf(systemdFile) : host
  const servers = conf.servers.filter((server) => isReachable(server, hasIpv6 ?? false))
  return { ...conf, servers: servers.length > 0 ? servers : publicServers }
}

interface ResolvConf {
  readonly servers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
}

/** Source: resolv.conf(5) */
function parseResolvConf(text: string): ResolvConf {
  const lines = text
    .split('\n')
    .filter((line) => !/^[#;]/.test(line))
    .map((line) => line.trim().split(/\s+/))
  const valuesOf = (...keywords: string[]): string[][] =>
    lines.filter(([keyword]) => keywords.includes(keyword ?? '')).map(([, ...values]) => values)
  return {
    servers: valuesOf('nameserver').flatMap(([server]) => server ?? []),
    // The last line of the two wins.
    search: valuesOf('search', 'domain').at(-1) ?? [],
    options: valuesOf('options').flat(),
  }
}

/** An address with a zone (`fe80::1%eth0`) names an interface of the host. */
function isReachable(server: string, hasIpv6: boolean): boolean {
  if (server.startsWith('127.') || server === '::1') return false
  return !server.includes(':') || (hasIpv6 && !server.includes('%'))
}

function formatResolvConf({ servers, search, options }: ResolvConf): string {
  const lines = [
    ...servers.map((server) => `nameserver ${server}`),
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ]
  return lines.map((line) => `${line}\n`).join('')
}
