import { hash } from 'node:crypto'
import { TsctrError } from '../errors.ts'

/** The network of containers that ask for none. */
export const defaultNetworkName = 'bridge'

/** Modes of a container and docker's own networks: no network of a user's has such a name. */
export const reservedNetworkNames: readonly string[] = [
  'bridge',
  'host',
  'none',
  'default',
  'container',
  'ns',
]

/** The id of docker's networks `host` and `none`, which are modes here; empty for other names. */
export function modeNetworkID(dataRoot: string, name: string): string {
  return name === 'host' || name === 'none' ? hash('sha256', `${dataRoot} ${name}`) : ''
}

/**
 * A name for a network, as docker takes it.
 *
 * @throws  INVALID_ARGUMENT
 */
export function parseNetworkName(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text) && text.length <= 128) return text
  throw new TsctrError('INVALID_ARGUMENT', `network ${JSON.stringify(text)}: not a network name`, {
    hint: 'letters, digits, _ . - after a letter or digit; up to 128 characters',
  })
}
