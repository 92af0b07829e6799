import { closeSync, constants, openSync, readFileSync } from 'node:fs'
import { isErrno, TsctrError } from '../errors.ts'
import {
  MNT_DETACH,
  MS_BIND,
  MS_DIRSYNC,
  MS_MANDLOCK,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
  mount,
  O_PATH,
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
  ['ro', MS_RDONLY],
  ['nosuid', MS_NOSUID],
  ['nodev', MS_NODEV],
  ['noexec', MS_NOEXEC],
  ['sync', MS_SYNCHRONOUS],
  ['dirsync', MS_DIRSYNC],
  ['mand', MS_MANDLOCK],
  ['noatime', MS_NOATIME],
  ['nodiratime', MS_NODIRATIME],
  ['relatime', MS_RELATIME],
  ['strictatime', MS_STRICTATIME],
  ['bind', MS_BIND],
  ['rbind', MS_BIND | MS_REC],
])

/** What takes a flag back that stood before it; `defaults` takes none. */
const opposites: ReadonlyMap<string, number> = new Map([
  ['defaults', 0],
  ['rw', MS_RDONLY],
  ['suid', MS_NOSUID],
  ['dev', MS_NODEV],
  ['exec', MS_NOEXEC],
  ['async', MS_SYNCHRONOUS],
  ['nomand', MS_MANDLOCK],
  ['atime', MS_NOATIME],
  ['diratime', MS_NODIRATIME],
  ['norelatime', MS_RELATIME],
  ['nostrictatime', MS_STRICTATIME],
])

/** Whether an option is one for any file system; what is not is the file system's own to know. */
export function isMountFlag(option: string): boolean {
  return flagOptions.has(option) || opposites.has(option)
}

/**
 * Mount each over the one before it; where one fails, the others are taken away again.
 *
 * @throws  FAILED_PRECONDITION naming the target, with the kernel's reason as cause, or UNSUPPORTED
 *          where an overlay has more layers than the kernel takes
 */
export function mountAll(mounts: readonly MountRequest[], target: string): void {
  for (const [done, request] of mounts.entries()) {
    try {
      mountOne(request, target)
    } catch (cause) {
      for (let left = done; left > 0; left -= 1) unmountIfMounted(target)
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

/** Take away everything that is mounted on a directory or below it. */
export function unmountTree(directory: string): void {
  for (const path of mountsUnder(directory)) unmountIfMounted(path)
}

/** Mount points on and below a directory, last mounted first, once for each mount. Source: proc(5) mountinfo */
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
    const opposite = opposites.get(option)
    if (flag !== undefined) flags |= flag
    else if (opposite !== undefined) flags &= ~opposite
    else data.push(option)
  }
  const text = data.join(',')
  if (Buffer.byteLength(text) > maxDataBytes) {
    mountWithRelativeLayers(data, flags, target)
    return
  }
  mount(source, target, type === 'bind' ? undefined : type, flags, text)
  if ((flags & MS_BIND) !== 0) restrictBind(target, flags & ~(MS_BIND | MS_REC))
}

/** The kernel ignores every other flag of a new bind: they need a second call. */
function restrictBind(target: string, flags: number): void {
  if (flags === 0) return
  try {
    mount('none', target, undefined, MS_REMOUNT | MS_BIND | flags)
  } catch (error) {
    unmountIfMounted(target)
    throw error
  }
}

/**
 * An overlay of so many layers that their paths do not fit: they are named from the directory that
 * holds them all, which is this process's own for the moment of the call.
 */
function mountWithRelativeLayers(data: readonly string[], flags: number, target: string): void {
  const prefix = 'lowerdir='
  const lowerdirs = data.find((option) => option.startsWith(prefix))?.slice(prefix.length)
  const paths = lowerdirs === undefined ? [] : splitAtColons(lowerdirs)
  const base = commonDirectory(paths)
  const relative = paths.map((path) => path.slice(base.length)).join(':')
  const text = data
    .map((option) => (option.startsWith(prefix) ? prefix + relative : option))
    .join(',')
  if (base === '' || Buffer.byteLength(text) > maxDataBytes) {
    const problem = paths.length === 0 ? 'options are' : `${paths.length} layers are`
    const message = `${target}: ${problem} more than one mount can name`
    throw new TsctrError('UNSUPPORTED', message)
  }
  inDirectory(base.replaceAll(/\\(.)/g, '$1'), () =>
    mount('overlay', target, 'overlay', flags, text),
  )
}

function inDirectory(directory: string, body: () => void): void {
  // By descriptor: the directory this process is in may have been deleted, and has no path then.
  const before = openSync('.', O_PATH | constants.O_DIRECTORY)
  try {
    process.chdir(directory)
    body()
  } finally {
    process.chdir(`/proc/self/fd/${before}`)
    closeSync(before)
  }
}

/** Lower directories as given: a backslash keeps the character after it from being a separator. */
function splitAtColons(lowerdirs: string): string[] {
  return lowerdirs.match(/(?:\\.|[^:\\])+/g) ?? []
}

/** @returns the longest directory all paths begin with, slash included; empty if there is none */
function commonDirectory(paths: readonly string[]): string {
  const [first = '', ...others] = paths
  if (!paths.every((path) => path.startsWith('/'))) return ''
  let end = first.lastIndexOf('/') + 1
  while (!others.every((path) => path.startsWith(first.slice(0, end)))) {
    end = first.lastIndexOf('/', end - 2) + 1
  }
  return first.slice(0, end)
}

/** mountinfo writes space, tab, newline and backslash as three octal digits. */
function unescapePath(path: string): string {
  const bytes = path.replaceAll(/\\([0-7]{3})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
  return Buffer.from(bytes, 'latin1').toString()
}
