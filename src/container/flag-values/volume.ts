import { posix, resolve } from 'node:path'
import { TsctrError } from '../../errors.ts'
import type { BindMount, Propagation } from '../config.ts'

/**
 * `SOURCE:TARGET[:OPTION,…]` of -v, a directory or file of the host.
 *
 * @param cwd  what a source beginning with a dot is relative to
 * @throws     INVALID_ARGUMENT, UNSUPPORTED for named and anonymous volumes
 * Source: docker run -v
 */
export function parseVolume(text: string, cwd: string): BindMount {
  const [source = '', target, options = '', ...surplus] = text.split(':')
  if (surplus.length > 0 || source === '' || target === '') {
    throw new TsctrError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(text)}: must be HOST:CONTAINER[:OPTIONS]`,
    )
  }
  if (target === undefined) {
    const message = `volume ${source}: anonymous volumes are not supported yet; use HOST:CONTAINER`
    throw new TsctrError('UNSUPPORTED', message)
  }
  const mount: BindMount = {
    type: 'bind',
    source: hostPath(source, cwd),
    target: containerPath(target, text),
    isReadOnly: false,
    propagation: 'rprivate',
    isRecursive: true,
    readOnlyReach: 'best',
    createsSource: true,
  }
  const words = options === '' ? [] : options.split(',')
  return words.reduce((before, word) => withOption(before, word, text), mount)
}

/** @throws INVALID_ARGUMENT for a path that is relative or the root itself */
export function containerPath(path: string, text: string): string {
  const normal = posix.normalize(path).replace(/(.)\/$/, '$1')
  if (path.startsWith('/') && normal !== '/') return normal
  const problem = path.startsWith('/') ? 'must not be /' : 'must be an absolute path'
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: target ${path} ${problem}`)
}

/** The error for every kind of volume that is not a path. */
export function namedVolumeError(name: string): TsctrError {
  const message = `volume ${name}: named volumes are not supported yet; use an absolute host path`
  return new TsctrError('UNSUPPORTED', message)
}

export const propagations: readonly Propagation[] = [
  'private',
  'rprivate',
  'shared',
  'rshared',
  'slave',
  'rslave',
]

function hostPath(source: string, cwd: string): string {
  if (source.startsWith('/') || /^\.{1,2}(\/|$)/.test(source)) return resolve(cwd, source)
  throw namedVolumeError(source)
}

function withOption(mount: BindMount, word: string, text: string): BindMount {
  const propagation = propagations.find((known) => known === word)
  if (propagation !== undefined) return { ...mount, propagation }
  switch (word) {
    case 'rw':
      return { ...mount, isReadOnly: false }
    case 'ro':
      return { ...mount, isReadOnly: true }
    case 'rbind':
      return { ...mount, isRecursive: true }
    case 'bind':
      return { ...mount, isRecursive: false }
    case 'z':
      return { ...mount, relabel: 'shared' }
    case 'Z':
      return { ...mount, relabel: 'private' }
    // Promises about file sharing with a virtual machine: on Linux each is kept by doing nothing.
    case 'consistent':
    case 'cached':
    case 'delegated':
      return mount
    default:
      throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: option ${word} is unknown`)
  }
}
