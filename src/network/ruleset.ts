import type { Network } from './networks.ts'

/**
 * The network's own nft table, put in place of what is there in one transaction.
 *
 * - From the network to elsewhere: under the address of the host.
 * - From elsewhere to the network: answers, and what a rule of published ports has sent there.
 *   The host forwards, so without the `drop` its neighbours could reach every container's ports.
 *
 * The host itself reaches containers: its packets are not forwarded ones.
 */
export function bridgeRuleset({ bridgeName, subnet }: Network): string {
  const intoBridge = `iifname != "${bridgeName}" oifname "${bridgeName}"`
  return `${noRuleset({ bridgeName })}
table inet ${bridgeName} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${subnet} oifname != "${bridgeName}" masquerade
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    ${intoBridge} ct state established,related accept
    ${intoBridge} ct status dnat accept
    ${intoBridge} drop
  }
}
`
}

/** No table, whether there was one or not. */
export function noRuleset({ bridgeName }: Pick<Network, 'bridgeName'>): string {
  return `add table inet ${bridgeName}\ndelete table inet ${bridgeName}\n`
}
