import { TsctrError } from '../../errors.ts'
import type { NetworkMode } from '../config.ts'
import { peerMode } from './namespace-mode.ts'

/**
 * How a container is joined to the network.
 *
 * @throws  INVALID_ARGUMENT; UNSUPPORTED for the modes that are not there yet
 * Source: docker run --network, nerdctl run --network for ns:
 */
export function parseNetworkMode(text: string): NetworkMode {
  const joined = peerMode(text)
  if (joined !== undefined) return joined
  if (text.startsWith('ns:/')) return text as `ns:/${string}`
  switch (text) {
    case 'bridge':
    case 'default':
      return 'bridge'
    case 'host':
    case 'none':
      return text
    default:
      throw new TsctrError('UNSUPPORTED', `${JSON.stringify(text)}: no such network`, {
        hint: 'bridge, host, none, container:NAME and ns:/PATH are there; named networks are not supported yet',
      })
  }
}
