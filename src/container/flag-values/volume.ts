import { posix, resolve } from 'node:path'
import { TsctrError } from '../../errors.ts'
import { parseVolumeName } from '../../volume/volume-name.ts'
import type { BindMount, Propagation, VolumeMount } from '../config.ts'

/**
 * `[SOURCE:]TARGET[:OPTION,…]` of -v: a path of the host, a volume's name, or nothing for an
 * anonymous volume.
 *
 * @param cwd  what a source beginning with a dot is relative to
 * @throws     INVALID_ARGUMENT
 * Source: docker run -v
 */
export function parseVolume(text: string, cwd: string): BindMount | VolumeMount {
  const parts = text.split(':')
  const [source = '', target = '', options = ''] = parts
  if (parts.length === 1) {
    return volumeMount({ target: containerPath(source, text), options: '' }, text)
  }
  if (parts.length > 3 || source === '' || target === '') {
    throw new TsctrError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(text)}: must be [HOST-PATH or VOLUME:]CONTAINER-PATH[:OPTIONS]`,
    )
  }
  if (!isHostPath(source)) {
    const name = parseVolumeName(source)
    return volumeMount({ name, target: containerPath(target, text), options }, text)
  }
  const mount: BindMount = {
    type: 'bind',
    source: resolve(cwd, source),
    target: containerPath(target, text),
    isReadOnly: false,
    propagation: 'rprivate',
    isRecursive: true,
    readOnlyReach: 'best',
    createsSource: true,
  }
  const given = words(options)
  refuseContradiction(given, text)
  return given.reduce((before, word) => withOption(before, word, text), mount)
}

function volumeMount(
  parts: { readonly name?: string; readonly target: string; readonly options: string },
  text: string,
): VolumeMount {
  const { name, target, options } = parts
  const given = words(options)
  refuseContradiction(given, text)
  const unknown = given.find((word) => !volumeOptions.has(word))
  if (unknown !== undefined) {
    const message = `${JSON.stringify(text)}: option ${unknown} is unknown for a volume`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  return {
    type: 'volume',
    name,
    isAnonymous: name === undefined,
    target,
    isReadOnly: given.includes('ro'),
    isNotFilled: given.includes('nocopy'),
    isFromVolumeFlag: true,
    ...(given.includes('z') ? { relabel: 'shared' as const } : {}),
    ...(given.includes('Z') ? { relabel: 'private' as const } : {}),
  }
}

// The last are promises about virtual machines.
const volumeOptions: ReadonlySet<string> = new Set([
  ...['rw', 'ro', 'nocopy', 'z', 'Z'],
  ...['consistent', 'cached', 'delegated'],
])

/** Of each kind one word at most. Source: moby volume/mounts linux_parser.go */
function refuseContradiction(given: readonly string[], text: string): void {
  for (const kind of exclusive) {
    const [first, second] = given.filter((word) => kind.includes(word))
    if (second === undefined) continue
    const problem =
      first === second ? `option ${first} is given twice` : `not ${first} and ${second}`
    throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: ${problem}`)
  }
}

function words(options: string): string[] {
  return options === '' ? [] : options.split(',')
}

/** @throws INVALID_ARGUMENT for a path that is relative or the root itself */
export function containerPath(path: string, text: string): string {
  const normal = posix.normalize(path).replace(/(.)\/$/, '$1')
  if (path.startsWith('/') && normal !== '/') return normal
  const problem = path.startsWith('/') ? 'must not be /' : 'must be an absolute path'
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: target ${path} ${problem}`)
}

export const propagations: readonly Propagation[] = [
  'private',
  'rprivate',
  'shared',
  'rshared',
  'slave',
  'rslave',
]

const exclusive: readonly (readonly string[])[] = [
  ['ro', 'rw'],
  ['z', 'Z'],
  ['bind', 'rbind'],
  propagations,
]

function isHostPath(source: string): boolean {
  return source.startsWith('/') || /^\.{1,2}(\/|$)/.test(source)
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
