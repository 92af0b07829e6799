import type { ContainerConfig, NetworkAttachment, NetworkMode } from '../../container/config.ts'
import { TsctrError } from '../../errors.ts'
import type { RunFlags } from './run-flags.ts'

type NetworkFlags = Pick<
  RunFlags,
  'network' | 'net' | 'networkAlias' | 'netAlias' | 'ip' | 'ip6' | 'macAddress'
>

/** The mode that `--network` names, if it is not a network. */
export function networkModeOf(flags: NetworkFlags): NetworkMode {
  const other = given(flags).find((flag) => 'mode' in flag)
  return other !== undefined && 'mode' in other ? other.mode : 'bridge'
}

/**
 * The networks that the flags ask for; addresses and aliases of flags of their own are for the first.
 *
 * @throws  INVALID_ARGUMENT for flags that contradict each other
 */
export function networksFromFlags(
  flags: NetworkFlags,
): Pick<ContainerConfig, 'networkMode' | 'networks'> {
  const all = given(flags)
  const mode = networkModeOf(flags)
  const aliases = [...(flags.networkAlias ?? []), ...(flags.netAlias ?? [])]
  const hasDetails = aliases.length > 0 || (flags.ip ?? flags.ip6 ?? flags.macAddress) !== undefined
  if (mode !== 'bridge') {
    const problem =
      all.length > 1 ? 'with another --network' : hasDetails ? 'with an address or an alias' : ''
    if (problem === '') return { networkMode: mode }
    throw new TsctrError('INVALID_ARGUMENT', `--network ${mode}: cannot be given ${problem}`)
  }
  const attachments = all.flatMap((flag) => ('attachment' in flag ? [flag.attachment] : []))
  if (attachments.length === 0 && !hasDetails) return { networkMode: mode }
  const [first = { name: 'bridge', aliases: [] }, ...others] = attachments
  const detailed: NetworkAttachment = {
    ...first,
    aliases: [...first.aliases, ...aliases],
    address: flags.ip ?? first.address,
    address6: flags.ip6 ?? first.address6,
    macAddress: flags.macAddress ?? first.macAddress,
  }
  return { networkMode: mode, networks: [detailed, ...others] }
}

function given({ network = [], net = [] }: NetworkFlags): NonNullable<RunFlags['network']> {
  return [...network, ...net]
}
