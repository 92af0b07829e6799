import { TsctrError } from '../../errors.ts'
import type { Database } from '../../host/database.ts'
import { formatSubnet, parseAddress, parseSubnet, type Subnet, sizeOf } from '../../network/ipv4.ts'
import { canonicalAddress6, formatSubnet6, parseSubnet6 } from '../../network/ipv6.ts'
import type { Network } from '../../network/networks.ts'
import { addressing, freeSubnet } from '../../network/subnets.ts'
import { addressing6, freeSubnet6 } from '../../network/subnets6.ts'

/** As a user gives them: at most one of each for IPv4 and for IPv6. */
export interface AddressRequest {
  readonly subnets: readonly string[]
  readonly gateways: readonly string[]
  readonly ipRanges: readonly string[]
  readonly auxAddresses: Readonly<Record<string, string>>
  /** Also without a subnet for it. */
  readonly hasIpv6: boolean
}

type Addresses = Pick<
  Network,
  'subnet' | 'gateway' | 'ipRange' | 'subnet6' | 'gateway6' | 'ipRange6' | 'auxAddresses'
>

/**
 * The addresses of a new network; what the user leaves open is one that is free.
 *
 * @throws  INVALID_ARGUMENT if two of a kind are given, or one has no subnet
 */
export function planAddresses(
  database: Database,
  network: Pick<Network, 'name' | 'id' | 'bridgeName'>,
  request: AddressRequest,
): Addresses {
  const subnets = byFamily(network.name, '--subnet', request.subnets)
  const gateways = byFamily(network.name, '--gateway', request.gateways)
  const ranges = byFamily(network.name, '--ip-range', request.ipRanges)
  const auxiliary = Object.values(request.auxAddresses)
  const needs4 = gateways.ipv4 ?? ranges.ipv4 ?? auxiliary.find((one) => !one.includes(':'))
  const needs6 = gateways.ipv6 ?? ranges.ipv6 ?? auxiliary.find((one) => one.includes(':'))
  if (subnets.ipv4 === undefined && needs4 !== undefined) throw lacksSubnet(network.name, needs4)
  if (subnets.ipv6 === undefined && needs6 !== undefined) throw lacksSubnet(network.name, needs6)
  const subnet =
    subnets.ipv4 === undefined ? freeSubnet(database, network) : wholeSubnet(subnets.ipv4)
  const hasIpv6 = request.hasIpv6 || subnets.ipv6 !== undefined
  return {
    ...addressing(subnet),
    ...(gateways.ipv4 === undefined ? {} : { gateway: gateways.ipv4 }),
    ipRange: ranges.ipv4,
    ...(hasIpv6 ? addresses6(network, subnets.ipv6, gateways.ipv6) : no6),
    ipRange6: ranges.ipv6 === undefined ? undefined : formatSubnet6(parseSubnet6(ranges.ipv6)),
    auxAddresses: Object.fromEntries(
      Object.entries(request.auxAddresses).map(([name, one]) => [
        name,
        one.includes(':') ? canonicalAddress6(one) : one,
      ]),
    ),
  }
}

const no6 = { subnet6: undefined, gateway6: undefined }

function addresses6(
  network: Pick<Network, 'id'>,
  subnet: string | undefined,
  gateway: string | undefined,
): Pick<Network, 'subnet6' | 'gateway6'> {
  const chosen = subnet === undefined ? freeSubnet6(network) : parseSubnet6(subnet)
  const usual = addressing6(chosen)
  return gateway === undefined ? usual : { ...usual, gateway6: canonicalAddress6(gateway) }
}

interface ByFamily {
  readonly ipv4: string | undefined
  readonly ipv6: string | undefined
}

function byFamily(name: string, flag: string, values: readonly string[]): ByFamily {
  const ipv6 = values.filter((value) => value.includes(':'))
  const ipv4 = values.filter((value) => !value.includes(':'))
  const [, second] = ipv4.length > 1 ? ipv4 : ipv6
  if (second !== undefined) {
    const message = `network ${name}: ${flag} ${second}: a network has one for IPv4 and one for IPv6`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  return { ipv4: ipv4[0], ipv6: ipv6[0] }
}

/** Docker takes any address of the subnet for its name. */
function wholeSubnet(text: string): Subnet {
  const [address = '', length = ''] = text.split('/')
  const prefixLength = Number(length)
  if (!/^\d{1,2}$/.test(length) || prefixLength > 32) return parseSubnet(text)
  const number = parseAddress(address)
  return parseSubnet(formatSubnet({ base: number - (number % sizeOf(prefixLength)), prefixLength }))
}

function lacksSubnet(name: string, address: string): TsctrError {
  const message = `network ${name}: ${address} without a subnet`
  return new TsctrError('INVALID_ARGUMENT', message, { hint: 'give --subnet too' })
}
