import { TsctrError } from '../errors.ts'
import { isMountFlag, type MountRequest } from '../host/mount.ts'
import type { VolumeRecord } from '../store/volumes.ts'

export type VolumeOptions = VolumeRecord['options']

const knownOptions = ['type', 'device', 'o']

/**
 * Check what `volume create -o` gives to the driver local: type, device and mount options of what
 * is mounted while a container that has the volume runs.
 *
 * @throws  INVALID_ARGUMENT, UNSUPPORTED
 * Source: docker volume create "Driver-specific options"; moby volume/local
 */
export function checkVolumeOptions(options: VolumeOptions): void {
  const given = Object.keys(options)
  if (given.includes('size')) {
    throw new TsctrError('UNSUPPORTED', 'option size: tsctr sets no quotas on directories', {
      hint: 'for a tmpfs: -o type=tmpfs -o device=tmpfs -o o=size=64m',
    })
  }
  const unknown = given.find((key) => !knownOptions.includes(key))
  if (unknown !== undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `option ${unknown}: is unknown for the driver local`, {
      hint: 'type, device and o',
    })
  }
  if (given.length === 0) return
  const missing = ['type', 'device'].find((key) => (options[key] ?? '') === '')
  if (missing !== undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `option ${missing}: is missing`, {
      hint: 'type and device go together, as in -o type=tmpfs -o device=tmpfs',
    })
  }
  checkBind(volumeMount(options))
}

/** What to mount for a volume that has options; undefined for one that is only a directory. */
export function volumeMount({ type, device, o = '' }: VolumeOptions): MountRequest | undefined {
  if (type === undefined || device === undefined) return undefined
  const options = o.split(',').filter((option) => option !== '')
  const isBind = options.includes('bind') || options.includes('rbind')
  if (!isBind && type !== 'bind') return { type, source: device, options }
  return { type: 'bind', source: device, options: isBind ? options : ['bind', ...options] }
}

/** The kernel would ignore what it does not know of a bind, and a relative path is of some process. */
function checkBind(mount: MountRequest | undefined): void {
  if (mount?.type !== 'bind') return
  if (!mount.source.startsWith('/')) {
    throw new TsctrError('INVALID_ARGUMENT', `option device=${mount.source}: must be absolute`)
  }
  const unknown = mount.options.find((option) => !isMountFlag(option))
  if (unknown === undefined) return
  throw new TsctrError('INVALID_ARGUMENT', `option o: ${unknown} is unknown for a bind`)
}
