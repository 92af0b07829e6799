import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno, TsctrError } from '../errors.ts'
import {
  MNT_DETACH,
  MS_BIND,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  mount,
  UMOUNT_NOFOLLOW,
  umount2,
} from './libc.ts'

/** What to mount: type, source and options as mount(8) writes them. */
export interface MountRequest {
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

/** The kernel takes one page of option text, its end included. Source: mount(2) */
const maxDataBytes = 4095

const flagOptions: ReadonlyMap<string, number> = new Map([
  ['rw', 0],
  ['ro', MS_RDONLY],
  ['nosuid', MS_NOSUID],
  ['nodev', MS_NODEV],
  ['noexec', MS_NOEXEC],
  ['bind', MS_BIND],
  ['rbind', MS_BIND | MS_REC],
])

/**
 * Mount each over the one before it.
 *
 * @throws  FAILED_PRECONDITION naming the target, with the kernel's reason as cause
 */
export function mountAll(mounts: readonly MountRequest[], target: string): void {
  for (const request of mounts) {
    try {
      mountOne(request, target)
    } catch (cause) {
      if (cause instanceof TsctrError) throw cause
      throw new TsctrError('FAILED_PRECONDITION', `${target}: cannot mount ${request.type}`, {
        cause,
        hint: isErrno(cause, 'EPERM') ? 'run as root' : undefined,
      })
    }
  }
}

/** Take one mount away. @returns whether there was one */
export function unmountIfMounted(target: string): boolean {
  try {
    // Lazily: a process of the host that looks into a container's files must not keep it for ever.
    umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW)
    return true
  } catch (error) {
    if (isErrno(error, 'EINVAL', 'ENOENT')) return false
    throw error
  }
}

/** Mount points in and below a directory, deepest first. Source: proc(5) mountinfo */
export function mountsUnder(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .flatMap((line) => {
      const path = line.split(' ')[4]
      return path === undefined ? [] : [unescapePath(path)]
    })
    .filter((path) => path === directory || path.startsWith(`${directory}/`))
    .toReversed()
}

function mountOne({ type, source, options }: MountRequest, target: string): void {
  let flags = 0
  const data: string[] = []
  for (const option of options) {
    const flag = flagOptions.get(option)
    if (flag === undefined) data.push(option)
    else flags |= flag
  }
  const text = data.join(',')
  if (Buffer.byteLength(text) > maxDataBytes) return mountWithRelativeLayers(data, flags, target)
  mount(source, target, type === 'bind' ? undefined : type, flags, text)
  // The kernel ignores every other flag of a new bind: they need a second call.
  if ((flags & MS_BIND) !== 0 && (flags & MS_RDONLY) !== 0) {
    mount(source, target, undefined, MS_REMOUNT | MS_BIND | MS_RDONLY)
  }
}

/**
 * An overlay of so many layers that their paths do not fit: they are named from the directory that
 * holds them all, which is this process's own for the moment of the call.
 */
function mountWithRelativeLayers(data: readonly string[], flags: number, target: string): void {
  const prefix = 'lowerdir='
  const lowerdirs = data.find((option) => option.startsWith(prefix))?.slice(prefix.length) ?? ''
  const paths = lowerdirs.split(/(?<!\\):/)
  const base = commonDirectory(paths)
  const relative = paths.map((path) => path.slice(base.length + 1)).join(':')
  const text = data
    .map((option) => (option.startsWith(prefix) ? prefix + relative : option))
    .join(',')
  if (base === '' || Buffer.byteLength(text) > maxDataBytes) {
    const message = `${target}: ${paths.length} layers are more than one overlay mount can name`
    throw new TsctrError('UNSUPPORTED', message)
  }
  const before = process.cwd()
  process.chdir(base.replaceAll(/\\(.)/g, '$1'))
  try {
    mount('overlay', target, 'overlay', flags, text)
  } finally {
    process.chdir(before)
  }
}

function commonDirectory(paths: readonly string[]): string {
  const split = paths.map((path) => path.split('/'))
  const [first = []] = split
  let length = 0
  while (
    length < first.length - 1 &&
    split.every((parts) => parts.length - 1 > length && parts[length] === first[length])
  ) {
    length += 1
  }
  return join('/', ...first.slice(0, length))
}

/** mountinfo writes space, tab, newline and backslash as three octal digits. */
function unescapePath(path: string): string {
  const bytes = path.replaceAll(/\\([0-7]{3})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
  return Buffer.from(bytes, 'latin1').toString()
}
