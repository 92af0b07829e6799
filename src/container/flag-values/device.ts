import { posix } from 'node:path'
import { TsctrError } from '../../errors.ts'
import type { DeviceMapping } from '../config.ts'

/**
 * `HOST[:CONTAINER][:ACCESS]`, access being of r, w and m.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker run --device
 */
export function parseDevice(text: string): DeviceMapping {
  const [hostPath = '', ...rest] = text.split(':')
  const access = rest.length > 0 && isAccess(rest.at(-1)) ? rest.pop() : 'rwm'
  const [containerPath = hostPath, ...surplus] = rest
  if (surplus.length > 0 || !isPath(hostPath) || !isPath(containerPath)) {
    const message = `${JSON.stringify(text)}: must be HOST-PATH[:CONTAINER-PATH][:rwm]`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  return { hostPath, containerPath: posix.normalize(containerPath), access: access ?? 'rwm' }
}

function isAccess(text: string | undefined): boolean {
  return /^[rwm]{1,3}$/.test(text ?? '') && new Set(text).size === text?.length
}

function isPath(text: string): boolean {
  return text.startsWith('/') && text !== '/'
}
