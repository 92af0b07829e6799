import { isIP } from 'node:net'
import { TsctrError } from '../../errors.ts'
import type { ExtraHost } from '../config.ts'

/**
 * `NAME:ADDRESS` or `NAME=ADDRESS`; the address may be `host-gateway`, and stand in brackets.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker run --add-host
 */
export function parseExtraHost(text: string): ExtraHost {
  const [, name = '', value = ''] = /^([^=:]+)[=:](.+)$/.exec(text) ?? []
  const address = value.replace(/^\[(.*)\]$/, '$1')
  // The names go into a line of /etc/hosts.
  if (!/^[^\s#]+$/.test(name)) {
    const message = `${JSON.stringify(text)}: must be NAME:ADDRESS`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  if (address === 'host-gateway' || isIP(address) !== 0) return { name, address }
  const message = `${JSON.stringify(text)}: ${JSON.stringify(value)} is neither an IP address nor host-gateway`
  throw new TsctrError('INVALID_ARGUMENT', message)
}
