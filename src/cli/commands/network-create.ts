import type { Command } from 'commander'
import { keyValues, parseKeyValue } from '../../container/flag-values/key-values.ts'
import { oneOf } from '../../container/flag-values/one-of.ts'
import { parseAddressText, parseSubnetText } from '../../container/flag-values/subnet.ts'
import { createNetwork, type NetworkRequest } from '../../container/networks/create-network.ts'
import { parseNetworkName } from '../../network/network-name.ts'
import { parseNetworkOption } from '../../network/network-options.ts'
import { withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'

interface NetworkCreateFlags {
  readonly auxAddress?: readonly string[]
  readonly driver: NetworkRequest['driver']
  readonly gateway?: readonly string[]
  readonly internal?: boolean
  readonly ipRange?: readonly string[]
  readonly ipv6?: boolean
  readonly label?: readonly string[]
  readonly opt?: readonly (readonly [string, string])[]
  readonly subnet?: readonly string[]
}

export function addNetworkCreateCommand(parent: Command): void {
  parent
    .command('create <network>')
    .description('Make a network')
    .option(
      '-d, --driver <driver>',
      'bridge, or macvlan, ipvlan: on the network of --opt parent=INTERFACE',
      single('--driver', oneOf('bridge', 'macvlan', 'ipvlan')),
      'bridge',
    )
    .option(
      '--subnet <address/length>',
      'its addresses; again for IPv6',
      repeated('--subnet', parseSubnetText),
    )
    .option(
      '--gateway <address>',
      'of the host in it; again for IPv6',
      repeated('--gateway', parseAddressText),
    )
    .option(
      '--ip-range <address/length>',
      'give out addresses from here only; again for IPv6',
      repeated('--ip-range', parseSubnetText),
    )
    .option('--ipv6', 'carry IPv6 too, in a subnet that is free unless one is given')
    .option(
      '--aux-address <name=address>',
      'an address that is in use already',
      repeated('--aux-address', parseAuxAddress),
    )
    .option('--internal', 'no way to or from outside')
    .option('--label <name=value>', 'set a label', repeated('--label', parseKeyValue))
    .option(
      '-o, --opt <name=value>',
      'mtu=BYTES, icc=true|false, isolate=true|false|strict, parent=INTERFACE, macvlan_mode=MODE, ipvlan_mode=l2',
      repeated('--opt', parseNetworkOption),
    )
    .action((operand: string, flags: NetworkCreateFlags, command: Command) => {
      const name = parseNetworkName(operand)
      return withContext(command, async (ctx) => {
        const id = await createNetwork(ctx, {
          name,
          driver: flags.driver,
          subnets: flags.subnet ?? [],
          gateways: flags.gateway ?? [],
          ipRanges: flags.ipRange ?? [],
          hasIpv6: flags.ipv6 === true,
          auxAddresses: keyValues(flags.auxAddress ?? []),
          isInternal: flags.internal === true,
          options: Object.fromEntries(flags.opt ?? []),
          labels: keyValues(flags.label ?? []),
        })
        ctx.stdout.line(id)
      })
    })
}

function parseAuxAddress(text: string): string {
  parseAddressText(parseKeyValue(text).split('=')[1] ?? '')
  return text
}
