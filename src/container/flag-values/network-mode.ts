import { TsctrError } from '../../errors.ts'
import type { NetworkMode } from '../config.ts'

/**
 * How a container is joined to the network.
 *
 * @throws  UNSUPPORTED for the modes that are not there yet
 * Source: docker run --network
 */
export function parseNetworkMode(text: string): NetworkMode {
  switch (text) {
    case 'bridge':
    case 'default':
      return 'bridge'
    case 'host':
    case 'none':
      return text
    default:
      throw new TsctrError('UNSUPPORTED', `${JSON.stringify(text)}: no such network`, {
        hint: 'bridge, host and none are there; named networks are not supported yet',
      })
  }
}
