import type { NetworkKind } from './network-kind.ts'

export interface HostsFileRequest {
  readonly networkKind: NetworkKind
  /** Text of the host's /etc/hosts: the base with the host's network. */
  readonly hostFile: string
  readonly hostname: string
  readonly domainname?: string | undefined
  /** The container's addresses, one for each of its networks. */
  readonly ownAddresses: readonly string[]
  /** `--add-host`, in order. */
  readonly extraHosts: readonly HostEntry[]
  /** What `host-gateway` stands for in extraHosts; undefined leaves such entries out. */
  readonly hostGateway?: string | undefined
}

export interface HostEntry {
  readonly address: string
  /** The first is the canonical one. */
  readonly names: readonly string[]
}

const localEntries: readonly HostEntry[] = [
  { address: '127.0.0.1', names: ['localhost'] },
  { address: '::1', names: ['localhost', 'ip6-localhost', 'ip6-loopback'] },
  { address: 'fe00::', names: ['ip6-localnet'] },
  { address: 'ff00::', names: ['ip6-mcastprefix'] },
  { address: 'ff02::1', names: ['ip6-allnodes'] },
  { address: 'ff02::2', names: ['ip6-allrouters'] },
]

/**
 * Text of a container's /etc/hosts, as docker writes it. Resolvers take the first line that fits,
 * so what the user added goes before the container's own name, and before those of other containers
 * that managed-hosts.ts appends.
 */
export function hostsFileText(request: HostsFileRequest): string {
  const { networkKind, hostFile, hostname, domainname, ownAddresses } = request
  const extra = request.extraHosts.flatMap((entry) => withGateway(entry, request.hostGateway))
  if (networkKind === 'host') return withFinalNewline(hostFile) + formatHostEntries(extra)
  const names = domainname === undefined ? [hostname] : [`${hostname}.${domainname}`, hostname]
  const own = ownAddresses.map((address) => ({ address, names }))
  return formatHostEntries([...localEntries, ...extra, ...own])
}

function withGateway(entry: HostEntry, hostGateway: string | undefined): HostEntry[] {
  if (entry.address !== 'host-gateway') return [entry]
  return hostGateway === undefined ? [] : [{ address: hostGateway, names: entry.names }]
}

/** One line each. */
export function formatHostEntries(entries: readonly HostEntry[]): string {
  return entries.map(({ address, names }) => `${address}\t${names.join(' ')}\n`).join('')
}

function withFinalNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`
}
