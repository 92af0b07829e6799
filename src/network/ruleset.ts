import { formatSubnet6 } from './ipv6.ts'
import { ipv6PathOf } from './ipv6-path.ts'
import { networkOptions } from './network-options.ts'
import type { Network } from './networks.ts'
import type { PublishedPort } from './ports.ts'

/** Ports of every address of the host, and those of one: each leads to an address and a port. */
const portMaps = {
  4: { any: 'published', one: 'published_at' },
  6: { any: 'published6', one: 'published6_at' },
} as const
const loopback = '127.0.0.0/8'
/** Of a data root's bridges, as userBridgePrefix makes it. */
const bridgePrefixLength = 7

/**
 * The network's own nft table, put in place of what is there in one transaction.
 *
 * - From the network to elsewhere: under the address of the host.
 * - From elsewhere to the network: answers, and what came for a published port. The host forwards,
 *   so without the `drop` its neighbours could reach every container's ports.
 * - To a published port: sent on to its container, from outside (prerouting) and from the host
 *   itself (output). What comes from the network's own containers or from 127.0.0.1 gets the
 *   bridge's address, or the answer would go astray.
 *
 * The host itself reaches containers: its packets are not forwarded ones.
 */
export function bridgeRuleset(network: Network, ports: readonly PublishedPort[]): string {
  const { bridgeName, subnet } = network
  const toPublished = `
    dnat ip to ip daddr . meta l4proto . th dport map @${portMaps[4].one}
    fib daddr type local dnat ip to meta l4proto . th dport map @${portMaps[4].any}
    dnat ip6 to ip6 daddr . meta l4proto . th dport map @${portMaps[6].one}
    fib daddr type local dnat ip6 to meta l4proto . th dport map @${portMaps[6].any}`
  return `${noRuleset(network)}
table inet ${bridgeName} {
  map ${portMaps[4].any} {
    type inet_proto . inet_service : ipv4_addr . inet_service
  }
  map ${portMaps[4].one} {
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
  }
  map ${portMaps[6].any} {
    type inet_proto . inet_service : ipv6_addr . inet_service
  }
  map ${portMaps[6].one} {
    type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service
  }
  chain raw {
    type filter hook prerouting priority raw; policy accept;
    iifname "${bridgeName}" ip daddr ${loopback} drop
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;${toPublished}
  }
  chain output {
    type nat hook output priority -100; policy accept;${toPublished}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${bridgeName}" ct status dnat ip saddr { ${subnet}, ${loopback} } masquerade
    ${masqueradeRules(network).join('\n    ')}
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    ${forwardRules(network).join('\n    ')}
  }
}
${portElements('add', network, ports)}`
}

/** Commands for the ports of a network, those of one container or of all. */
export function portElements(
  verb: 'add' | 'delete',
  { bridgeName }: Pick<Network, 'bridgeName'>,
  ports: readonly PublishedPort[],
): string {
  return ports
    .map(({ protocol, hostAddress, hostPort, address, containerPort }) => {
      const isAny = hostAddress === '0.0.0.0' || hostAddress === '::'
      const key = `${isAny ? '' : `${hostAddress} . `}${protocol} . ${hostPort}`
      const map = portMaps[hostAddress.includes(':') ? 6 : 4][isAny ? 'any' : 'one']
      return `${verb} element inet ${bridgeName} ${map} { ${key} : ${address} . ${containerPort} }\n`
    })
    .join('')
}

/** No table, whether there was one or not. */
export function noRuleset({ bridgeName }: Pick<Network, 'bridgeName'>): string {
  return `add table inet ${bridgeName}\ndelete table inet ${bridgeName}\n`
}

function masqueradeRules(network: Network): string[] {
  const { bridgeName, subnet, subnet6, isInternal } = network
  const path = ipv6PathOf(network)
  return [
    ...(isInternal ? [] : [`ip saddr ${subnet} oifname != "${bridgeName}" masquerade`]),
    ...(subnet6 === undefined
      ? []
      : [`oifname "${bridgeName}" ct status dnat ip6 saddr { ${subnet6}, ::1 } masquerade`]),
    ...(subnet6 === undefined || isInternal
      ? []
      : [`ip6 saddr ${subnet6} oifname != "${bridgeName}" masquerade`]),
    // No answer finds the way to anybody else from there.
    ...(path === undefined
      ? []
      : [
          `oifname "${bridgeName}" ip6 daddr ${formatSubnet6(path.subnet)} ct status dnat masquerade`,
        ]),
  ]
}

function forwardRules({ bridgeName, isInternal, options }: Network): string[] {
  const intoBridge = `iifname != "${bridgeName}" oifname "${bridgeName}"`
  if (isInternal)
    return [`${intoBridge} drop`, `iifname "${bridgeName}" oifname != "${bridgeName}" drop`]
  return [
    `${intoBridge} ct state established,related accept`,
    `${intoBridge} ct status dnat accept`,
    ...(options[networkOptions.isolate] === 'false'
      ? bridgesBeside(bridgeName).map((name) => `iifname "${name}" oifname "${bridgeName}" accept`)
      : []),
    `${intoBridge} drop`,
  ]
}

/** What the other bridges of a data root are named like: the default network's, and those of the rest. */
function bridgesBeside(bridgeName: string): string[] {
  return ['tsctr*', `${bridgeName.slice(0, bridgePrefixLength)}*`]
}
