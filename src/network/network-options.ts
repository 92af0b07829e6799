import { TsctrError } from '../errors.ts'
import type { NetworkDriver } from './networks.ts'

/** Options of `network create --opt` that mean something here, by docker's names. */
export const networkOptions = {
  mtu: 'com.docker.network.driver.mtu',
  /** `false`: containers of the network do not reach each other. */
  icc: 'com.docker.network.bridge.enable_icc',
  /** `false`: containers of other networks reach those of this one. Source: podman network create */
  isolate: 'isolate',
  /** The interface of the host that macvlan and ipvlan go out by. */
  parent: 'parent',
  macvlanMode: 'macvlan_mode',
  ipvlanMode: 'ipvlan_mode',
} as const

/** Which options mean something to which driver. */
export const optionsOf: Readonly<Record<NetworkDriver, readonly string[]>> = {
  bridge: [networkOptions.mtu, networkOptions.icc, networkOptions.isolate],
  macvlan: [networkOptions.mtu, networkOptions.parent, networkOptions.macvlanMode],
  ipvlan: [networkOptions.mtu, networkOptions.parent, networkOptions.ipvlanMode],
  cni: [],
}

/** The least that every IPv4 host takes, and the most that a packet can be. Source: RFC 791 */
const mtuRange = { min: 68, max: 65535 } as const

/** `strict` is what `true` is here: nothing comes in from any other network. */
const isolations = ['true', 'false', 'strict']
const macvlanModes = ['bridge', 'private', 'vepa', 'passthru']

/**
 * `name=value` for `--opt`; `mtu` and `icc` are short for docker's names.
 *
 * @throws  INVALID_ARGUMENT
 */
export function parseNetworkOption(text: string): readonly [string, string] {
  const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? []
  switch (key) {
    case 'mtu':
    case networkOptions.mtu: {
      const isMtu =
        /^\d{1,5}$/.test(value) && Number(value) >= mtuRange.min && Number(value) <= mtuRange.max
      if (isMtu) return [networkOptions.mtu, value]
      throw refused(text, `must be ${mtuRange.min} to ${mtuRange.max}`)
    }
    case 'icc':
    case networkOptions.icc:
      if (value === 'true' || value === 'false') return [networkOptions.icc, value]
      throw refused(text, 'must be true or false')
    case networkOptions.isolate:
      if (isolations.includes(value)) return [key, value]
      throw refused(text, `must be one of ${isolations.join(', ')}`)
    case networkOptions.parent:
      if (/^[^\s/"\\]{1,15}$/.test(value)) return [key, value]
      throw refused(text, 'not a name of an interface')
    case networkOptions.macvlanMode:
      if (macvlanModes.includes(value)) return [key, value]
      throw refused(text, `must be one of ${macvlanModes.join(', ')}`)
    case networkOptions.ipvlanMode:
      if (value === 'l2') return [key, value]
      throw refused(text, 'only l2')
    default:
      throw refused(text, 'no such option')
  }
}

function refused(text: string, what: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: ${what}`, {
    hint: 'mtu=BYTES, icc=true|false, isolate=true|false|strict, parent=INTERFACE, macvlan_mode=MODE, ipvlan_mode=l2',
  })
}
