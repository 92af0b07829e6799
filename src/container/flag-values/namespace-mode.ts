import { TsctrError } from '../../errors.ts'
import type { ContainerConfig, PeerMode } from '../config.ts'
import { oneOf } from './one-of.ts'

/** Source: docker run --pid @throws INVALID_ARGUMENT */
export function parsePidMode(text: string): ContainerConfig['pidMode'] {
  return peerMode(text) ?? oneOf('private', 'host', 'container:NAME')(text)
}

/** Source: docker run --ipc @throws INVALID_ARGUMENT */
export function parseIpcMode(text: string): ContainerConfig['ipcMode'] {
  return peerMode(text) ?? oneOf('private', 'shareable', 'host', 'none', 'container:NAME')(text)
}

/** `container:NAME` or `container:ID`; undefined for another mode. @throws INVALID_ARGUMENT */
export function peerMode(text: string): PeerMode | undefined {
  if (!text.startsWith('container:')) return undefined
  if (text !== 'container:') return text as PeerMode
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be container:NAME`)
}

/**
 * @throws  UNSUPPORTED for a namespace of its own
 * Source: docker run --userns
 */
export function parseUsernsMode(text: string): 'host' {
  if (text === 'host') return text
  throw new TsctrError('UNSUPPORTED', `${JSON.stringify(text)}: must be host`, {
    hint: 'containers have the user IDs of the host: there are no user namespaces so far',
  })
}
