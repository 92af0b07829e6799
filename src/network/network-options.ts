import { TsctrError } from '../errors.ts'

/** Options of `network create --opt` that mean something here, by docker's names. */
export const networkOptions = {
  mtu: 'com.docker.network.driver.mtu',
  /** `false`: containers of the network do not reach each other. */
  icc: 'com.docker.network.bridge.enable_icc',
} as const

/** The least that every IPv4 host takes, and the most that a packet can be. Source: RFC 791 */
const mtuRange = { min: 68, max: 65535 } as const

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
    default:
      throw refused(text, 'no such option')
  }
}

function refused(text: string, what: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: ${what}`, {
    hint: 'mtu=BYTES or icc=true|false',
  })
}
