import type { Command } from 'commander'
import {
  parseAlias,
  parseIpv4,
  parseIpv6,
  parseMacAddress,
} from '../../container/flag-values/network.ts'
import { connectNetwork } from '../../container/networks/connect-network.ts'
import { withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'

interface NetworkConnectFlags {
  readonly alias?: readonly string[]
  readonly ip?: string
  readonly ip6?: string
  readonly macAddress?: string
}

export function addNetworkConnectCommand(parent: Command): void {
  parent
    .command('connect <network> <container>')
    .description('Put a container into a network, running or not')
    .option('--alias <name>', 'one more name there', repeated('--alias', parseAlias))
    .option('--ip <address>', 'its address there', single('--ip', parseIpv4))
    .option('--ip6 <address>', 'its IPv6 address there', single('--ip6', parseIpv6))
    .option(
      '--mac-address <address>',
      'its hardware address there',
      single('--mac-address', parseMacAddress),
    )
    .action((name: string, container: string, flags: NetworkConnectFlags, command: Command) =>
      withContext(command, (ctx) =>
        connectNetwork(ctx, {
          container,
          attachment: {
            name,
            aliases: flags.alias ?? [],
            address: flags.ip,
            address6: flags.ip6,
            macAddress: flags.macAddress,
          },
        }),
      ),
    )
}
