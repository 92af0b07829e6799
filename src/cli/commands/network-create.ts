import { isIPv4 } from 'node:net'
import type { Command } from 'commander'
import { keyValues, parseKeyValue } from '../../container/flag-values/key-values.ts'
import { parseIpv4 } from '../../container/flag-values/network.ts'
import { oneOf } from '../../container/flag-values/one-of.ts'
import { createNetwork } from '../../container/networks/create-network.ts'
import { TsctrError } from '../../errors.ts'
import { parseNetworkName } from '../../network/network-name.ts'
import { parseNetworkOption } from '../../network/network-options.ts'
import { withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'

interface NetworkCreateFlags {
  readonly auxAddress?: readonly string[]
  readonly driver: 'bridge'
  readonly gateway?: string
  readonly internal?: boolean
  readonly ipRange?: string
  readonly label?: readonly string[]
  readonly opt?: readonly (readonly [string, string])[]
  readonly subnet?: string
}

export function addNetworkCreateCommand(parent: Command): void {
  parent
    .command('create <network>')
    .description('Make a network')
    .option('-d, --driver <driver>', 'only bridge', single('--driver', oneOf('bridge')), 'bridge')
    .option('--subnet <address/length>', 'its addresses', single('--subnet', parseSubnetText))
    .option('--gateway <address>', 'of the host in it', single('--gateway', parseIpv4))
    .option(
      '--ip-range <address/length>',
      'give out addresses from here only',
      single('--ip-range', parseSubnetText),
    )
    .option(
      '--aux-address <name=address>',
      'an address that is in use already',
      repeated('--aux-address', parseAuxAddress),
    )
    .option('--internal', 'no way to or from outside')
    .option('--label <name=value>', 'set a label', repeated('--label', parseKeyValue))
    .option(
      '-o, --opt <name=value>',
      'mtu=BYTES, icc=true|false',
      repeated('--opt', parseNetworkOption),
    )
    .action((operand: string, flags: NetworkCreateFlags, command: Command) => {
      const name = parseNetworkName(operand)
      if (flags.subnet === undefined && (flags.gateway ?? flags.ipRange ?? flags.auxAddress)) {
        const hint = 'give --subnet too'
        throw new TsctrError('INVALID_ARGUMENT', `network ${name}: addresses without a subnet`, {
          hint,
        })
      }
      return withContext(command, async (ctx) => {
        const id = await createNetwork(ctx, {
          name,
          subnet: flags.subnet,
          gateway: flags.gateway,
          ipRange: flags.ipRange,
          auxAddresses: keyValues(flags.auxAddress ?? []),
          isInternal: flags.internal === true,
          options: Object.fromEntries(flags.opt ?? []),
          labels: keyValues(flags.label ?? []),
        })
        ctx.stdout.line(id)
      })
    })
}

function parseSubnetText(text: string): string {
  const [address = '', length = '', ...rest] = text.split('/')
  const isLength = /^\d{1,2}$/.test(length) && Number(length) <= 32
  if (isIPv4(address) && isLength && rest.length === 0) return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not an IPv4 subnet`, {
    hint: 'as in 10.1.2.0/24',
  })
}

function parseAuxAddress(text: string): string {
  parseIpv4(parseKeyValue(text).split('=')[1] ?? '')
  return text
}
