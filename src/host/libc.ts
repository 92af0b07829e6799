import * as ffi from 'node:ffi'
import { closeSync } from 'node:fs'
import { getSystemErrorMap } from 'node:util'

/**
 * The system calls that Node does not offer, bound with node:ffi: this is the only file that knows
 * of it. Paths are strings (UTF-8) or Buffers (bytes as they are). A failing call throws the error
 * that Node's own fs throws: `code` (`ENOENT` …), `errno`, `syscall`, `path`.
 */
export type Path = string | Buffer

// Source: linux/mount.h
export const MS_RDONLY = 1
export const MS_NOSUID = 2
export const MS_NODEV = 4
export const MS_NOEXEC = 8
export const MS_SYNCHRONOUS = 16
export const MS_REMOUNT = 32
export const MS_MANDLOCK = 64
export const MS_DIRSYNC = 128
export const MS_NOATIME = 1024
export const MS_NODIRATIME = 2048
export const MS_BIND = 4096
export const MS_REC = 16384
export const MS_PRIVATE = 1 << 18
export const MS_RELATIME = 1 << 21
export const MS_STRICTATIME = 1 << 24
export const MNT_DETACH = 2
export const UMOUNT_NOFOLLOW = 8

// Source: linux/openat2.h, fcntl.h
export const RESOLVE_NO_MAGICLINKS = 0x02
export const RESOLVE_NO_SYMLINKS = 0x04
export const RESOLVE_IN_ROOT = 0x10
export const O_PATH = 0o10000000
export const O_CLOEXEC = 0o2000000

// Source: linux/sched.h, linux/netlink.h
export const CLONE_NEWNS = 0x00020000
export const CLONE_NEWNET = 0x40000000
export const NETLINK_NETFILTER = 12

const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4
const LOCK_UN = 8
const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100
const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_RAW = 3
const SOCK_SEQPACKET = 5
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SO_REUSEADDR = 2
const IPPROTO_IPV6 = 41
const IPPROTO_SCTP = 132
const IPV6_V6ONLY = 26
const MSG_DONTWAIT = 0x40
const MFD_CLOEXEC = 1
const SYS_OPENAT2 = 437n
// Source: spawn.h; more bytes than any libc's types have
const POSIX_SPAWN_SETSIGDEF = 0x04
const POSIX_SPAWN_SETSIGMASK = 0x08
const POSIX_SPAWN_SETSID = 0x80
const WNOHANG = 1
const spawnTypeBytes = 1024
const signalSetBytes = 128
const TCSANOW = 0
const OPOST = 1
/** Source: glibc termios.h struct termios: c_iflag, c_oflag, c_cflag, c_lflag, c_line, c_cc[32], speeds */
const termiosBytes = 60
const outputFlagsOffset = 4

/** Bound at the first call: that takes 5 ms, and many a command makes none. */
let bound: ReturnType<typeof bind> | undefined
const libc = (): ReturnType<typeof bind> => (bound ??= bind())

function bind() {
  return ffi.dlopen(null, {
    mount: {
      arguments: ['pointer', 'pointer', 'pointer', 'uint64', 'pointer'],
      return: 'int32',
    },
    umount2: { arguments: ['pointer', 'int32'], return: 'int32' },
    mknod: { arguments: ['pointer', 'uint32', 'uint64'], return: 'int32' },
    lsetxattr: {
      arguments: ['pointer', 'pointer', 'pointer', 'uint64', 'int32'],
      return: 'int32',
    },
    lgetxattr: { arguments: ['pointer', 'pointer', 'pointer', 'uint64'], return: 'int64' },
    llistxattr: { arguments: ['pointer', 'pointer', 'uint64'], return: 'int64' },
    flock: { arguments: ['int32', 'int32'], return: 'int32' },
    syncfs: { arguments: ['int32'], return: 'int32' },
    utimensat: { arguments: ['int32', 'pointer', 'pointer', 'int32'], return: 'int32' },
    syscall: {
      arguments: ['int64', 'int64', 'pointer', 'pointer', 'int64'],
      return: 'int64',
    },
    socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
    connect: { arguments: ['int32', 'pointer', 'uint32'], return: 'int32' },
    bind: { arguments: ['int32', 'pointer', 'uint32'], return: 'int32' },
    getsockname: { arguments: ['int32', 'pointer', 'pointer'], return: 'int32' },
    setsockopt: { arguments: ['int32', 'int32', 'int32', 'pointer', 'uint32'], return: 'int32' },
    shutdown: { arguments: ['int32', 'int32'], return: 'int32' },
    recv: { arguments: ['int32', 'pointer', 'uint64', 'int32'], return: 'int64' },
    dup: { arguments: ['int32'], return: 'int32' },
    dup2: { arguments: ['int32', 'int32'], return: 'int32' },
    pipe2: { arguments: ['pointer', 'int32'], return: 'int32' },
    posix_spawn: {
      arguments: ['pointer', 'pointer', 'pointer', 'pointer', 'pointer', 'pointer'],
      return: 'int32',
    },
    waitpid: { arguments: ['int32', 'pointer', 'int32'], return: 'int32' },
    posix_spawn_file_actions_init: { arguments: ['pointer'], return: 'int32' },
    posix_spawn_file_actions_adddup2: { arguments: ['pointer', 'int32', 'int32'], return: 'int32' },
    posix_spawn_file_actions_addclose: { arguments: ['pointer', 'int32'], return: 'int32' },
    posix_spawn_file_actions_addchdir_np: { arguments: ['pointer', 'pointer'], return: 'int32' },
    posix_spawn_file_actions_destroy: { arguments: ['pointer'], return: 'int32' },
    posix_spawnattr_init: { arguments: ['pointer'], return: 'int32' },
    posix_spawnattr_setflags: { arguments: ['pointer', 'int32'], return: 'int32' },
    posix_spawnattr_setsigdefault: { arguments: ['pointer', 'pointer'], return: 'int32' },
    posix_spawnattr_setsigmask: { arguments: ['pointer', 'pointer'], return: 'int32' },
    posix_spawnattr_destroy: { arguments: ['pointer'], return: 'int32' },
    memfd_create: { arguments: ['pointer', 'uint32'], return: 'int32' },
    tcgetattr: { arguments: ['int32', 'pointer'], return: 'int32' },
    tcsetattr: { arguments: ['int32', 'int32', 'pointer'], return: 'int32' },
    unshare: { arguments: ['int32'], return: 'int32' },
    setns: { arguments: ['int32', 'int32'], return: 'int32' },
    __errno_location: { arguments: [], return: 'pointer' },
  }).functions
}

// The location is fixed for a thread; reading it by hand keeps calls that could change errno out.

/**
 * Mount a filesystem.
 *
 * @param flags  MS_* bits
 * @param data   comma-separated options, at most one page
 * Source: mount(2)
 */
export function mount(
  source: Path,
  target: Path,
  type: string | undefined,
  flags: number,
  data?: string,
): void {
  const result = libc().mount(
    cString(source),
    cString(target),
    type === undefined ? null : cString(type),
    BigInt(flags),
    data === undefined ? null : cString(data),
  )
  if (result !== 0) throw systemError('mount', target)
}

/** Unmount what is mounted on `target`. Source: umount2(2) */
export function umount2(target: Path, flags = 0): void {
  if (libc().umount2(cString(target), flags) !== 0) throw systemError('umount2', target)
}

/**
 * Make a device node, fifo or socket file.
 *
 * @param mode  file type and permission bits (less the umask)
 * Source: mknod(2)
 */
export function mknod(path: Path, mode: number, major = 0, minor = 0): void {
  if (libc().mknod(cString(path), mode, makeDevice(major, minor)) !== 0) {
    throw systemError('mknod', path)
  }
}

/** Set an extended attribute of the file itself, never of what a symlink points to. Source: lsetxattr(2) */
export function lsetxattr(path: Path, name: string | Buffer, value: Buffer): void {
  // An empty Buffer has no address: give it one byte that is not read.
  const bytes = value.length === 0 ? Buffer.alloc(1) : value
  if (libc().lsetxattr(cString(path), cString(name), bytes, BigInt(value.length), 0) !== 0) {
    throw systemError('lsetxattr', path)
  }
}

/** The value of an extended attribute; undefined where the file has none of that name. Source: lgetxattr(2) */
export function lgetxattr(path: Path, name: string | Buffer): Buffer | undefined {
  const cPath = cString(path)
  const cName = cString(name)
  for (let capacity = 256; ; capacity *= 4) {
    const value = Buffer.alloc(capacity)
    const length = Number(libc().lgetxattr(cPath, cName, value, BigInt(capacity)))
    if (length >= 0) return value.subarray(0, length)
    const error = systemError('lgetxattr', path)
    if (error.code === 'ENODATA' || error.code === 'ENOTSUP') return undefined
    if (error.code !== 'ERANGE') throw error
  }
}

/** Names of a file's extended attributes, in the kernel's order, as bytes. Source: llistxattr(2) */
export function llistxattr(path: Path): Buffer[] {
  const cPath = cString(path)
  for (let capacity = 1024; ; capacity *= 4) {
    const names = Buffer.alloc(capacity)
    const length = Number(libc().llistxattr(cPath, names, BigInt(capacity)))
    if (length < 0) {
      const error = systemError('llistxattr', path)
      if (error.code === 'ENOTSUP') return []
      if (error.code !== 'ERANGE') throw error
      continue
    }
    return splitAtNul(names.subarray(0, length))
  }
}

/**
 * Take a lock on an open file without waiting.
 *
 * @returns  false if another open file description holds it
 * Source: flock(2)
 */
export function tryFlock(fd: number, kind: 'shared' | 'exclusive'): boolean {
  const operation = (kind === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB
  if (libc().flock(fd, operation) === 0) return true
  const error = systemError('flock')
  if (error.code === 'EAGAIN' || error.code === 'EINTR') return false
  throw error
}

/** Release a lock taken with tryFlock. */
export function unlockFlock(fd: number): void {
  if (libc().flock(fd, LOCK_UN) !== 0) throw systemError('flock')
}

/** Write everything of the filesystem that holds `fd` to its device. Source: syncfs(2) */
export function syncfs(fd: number): void {
  if (libc().syncfs(fd) !== 0) throw systemError('syncfs')
}

/**
 * Set access and modification time of the file itself, never of a symlink's target.
 *
 * @param atimeNs, mtimeNs  nanoseconds since the epoch, negative before it
 * Source: utimensat(2)
 */
export function lutimesNs(path: Path, atimeNs: bigint, mtimeNs: bigint): void {
  const times = Buffer.alloc(32)
  writeTimespec(times, 0, atimeNs)
  writeTimespec(times, 16, mtimeNs)
  if (libc().utimensat(AT_FDCWD, cString(path), times, AT_SYMLINK_NOFOLLOW) !== 0) {
    throw systemError('utimensat', path)
  }
}

/**
 * Open a path below a directory as if that directory were the root: neither `..` nor an absolute
 * symlink leads out.
 *
 * @param flags    O_* bits; O_CLOEXEC is always added
 * @param resolve  RESOLVE_* bits
 * @returns        a descriptor the caller closes
 * Source: openat2(2)
 */
export function openat2(
  dirFd: number,
  path: Path,
  flags: number,
  resolve = RESOLVE_IN_ROOT,
  mode = 0,
): number {
  const how = Buffer.alloc(24)
  how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0)
  how.writeBigUInt64LE(BigInt(mode), 8)
  how.writeBigUInt64LE(BigInt(resolve), 16)
  const fd = Number(libc().syscall(SYS_OPENAT2, BigInt(dirFd), cString(path), how, 24n))
  if (fd < 0) throw systemError('openat2', path)
  return fd
}

/**
 * Connect to a SOCK_SEQPACKET socket: what node:net refuses.
 *
 * @param path  at most 107 bytes; reach longer ones through `/proc/self/fd/N/…`
 * @returns     a blocking descriptor for fs.read (one packet a call), fs.write and shutdownSocket
 * Source: unix(7)
 */
export function connectSeqpacket(path: string): number {
  const name = Buffer.from(path)
  const address = Buffer.alloc(110)
  if (name.length > 107) throw namedError('ENAMETOOLONG', 'connect', path)
  address.writeUInt16LE(AF_UNIX, 0)
  name.copy(address, 2)
  const fd = libc().socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)
  if (fd < 0) throw systemError('socket')
  if (libc().connect(fd, address, name.length + 3) !== 0) {
    const error = systemError('connect', path)
    closeSync(fd)
    throw error
  }
  return fd
}

/**
 * Bind a socket and let it go again: whether a port is free, without waiting for an event.
 *
 * @param address  4 bytes, or 16 for IPv6, which then leaves IPv4 alone
 * @param port     0 for one that the kernel chooses
 * @returns        the port
 * @throws         EADDRINUSE, EADDRNOTAVAIL; EPROTONOSUPPORT where the kernel lacks the protocol
 * Source: bind(2), ip(7), ipv6(7)
 */
export function bindOnce(protocol: 'tcp' | 'udp' | 'sctp', address: Buffer, port: number): number {
  const isIpv6 = address.length === 16
  const type = protocol === 'udp' ? SOCK_DGRAM : SOCK_STREAM
  const number = protocol === 'sctp' ? IPPROTO_SCTP : 0
  const fd = libc().socket(isIpv6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, number)
  if (fd < 0) throw systemError('socket')
  try {
    const on = Buffer.from([1, 0, 0, 0])
    // What a program that ended a moment ago leaves in TIME_WAIT is in nobody's way.
    if (protocol !== 'udp') libc().setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, on, on.length)
    if (isIpv6) libc().setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, on, on.length)
    const name = Buffer.alloc(isIpv6 ? 28 : 16)
    name.writeUInt16LE(isIpv6 ? AF_INET6 : AF_INET, 0)
    name.writeUInt16BE(port, 2)
    address.copy(name, isIpv6 ? 8 : 4)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(name.length)
    if (libc().bind(fd, name, name.length) !== 0) throw systemError('bind')
    if (libc().getsockname(fd, name, length) !== 0) throw systemError('getsockname')
    return name.readUInt16BE(2)
  } finally {
    closeSync(fd)
  }
}

/** End one or both directions of a socket. Source: shutdown(2) */
export function shutdownSocket(fd: number, how: 'read' | 'write' | 'both'): void {
  const code = how === 'read' ? 0 : how === 'write' ? 1 : 2
  if (libc().shutdown(fd, code) !== 0) {
    const error = systemError('shutdown')
    if (error.code !== 'ENOTCONN') throw error
  }
}

/**
 * Take the next packet if one has arrived.
 *
 * @returns  its length, 0 at the end of the stream, undefined when nothing waits
 * Source: recv(2)
 */
export function receiveNow(fd: number, into: Buffer): number | undefined {
  const length = Number(libc().recv(fd, into, BigInt(into.length), MSG_DONTWAIT))
  if (length >= 0) return length
  const error = systemError('recv')
  if (error.code === 'EAGAIN' || error.code === 'EINTR') return undefined
  throw error
}

/** Make `target` another descriptor of what `source` is; children inherit it. Source: dup2(2) */
export function dup2(source: number, target: number): void {
  if (libc().dup2(source, target) < 0) throw systemError('dup2')
}

/** Another descriptor of the same thing, which children inherit. Source: dup(2) */
export function dup(fd: number): number {
  const copy = libc().dup(fd)
  if (copy < 0) throw systemError('dup')
  return copy
}

/** A pipe that no child inherits by itself. Source: pipe2(2) */
export function openPipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const ends = new Int32Array(2)
  if (libc().pipe2(Buffer.from(ends.buffer), O_CLOEXEC) !== 0) throw systemError('pipe2')
  return { readEnd: ends[0] ?? -1, writeEnd: ends[1] ?? -1 }
}

/**
 * Start a program in a session of its own, in `/`, with no signal ignored or blocked. Node's spawn
 * would copy this process first, which takes it 8 ms; here it only stands still until the program
 * has begun.
 *
 * @param descriptors  which of ours become its 0, 1, 2 …
 * @returns            its pid: Node does not know of it, and does not wait for it
 * Source: posix_spawn(3)
 */
export function spawnSession(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  descriptors: readonly number[],
): number {
  const actions = Buffer.alloc(spawnTypeBytes)
  const attributes = Buffer.alloc(spawnTypeBytes)
  libc().posix_spawn_file_actions_init(actions)
  libc().posix_spawnattr_init(attributes)
  try {
    // Aside first: one that is given may have the number of one that is wanted.
    const aside = Math.max(descriptors.length, ...descriptors) + 1
    for (const [target, source] of descriptors.entries()) {
      libc().posix_spawn_file_actions_adddup2(actions, source, aside + target)
    }
    for (const target of descriptors.keys()) {
      libc().posix_spawn_file_actions_adddup2(actions, aside + target, target)
      libc().posix_spawn_file_actions_addclose(actions, aside + target)
    }
    libc().posix_spawn_file_actions_addchdir_np(actions, cString('/'))
    libc().posix_spawnattr_setflags(
      attributes,
      POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID,
    )
    libc().posix_spawnattr_setsigdefault(attributes, Buffer.alloc(signalSetBytes, 0xff))
    libc().posix_spawnattr_setsigmask(attributes, Buffer.alloc(signalSetBytes))
    const argv = cStrings([file, ...args])
    const envp = cStrings(Object.entries(env).map(([name, value]) => `${name}=${value}`))
    const pid = Buffer.alloc(4)
    const errno = libc().posix_spawn(
      pid,
      cString(file),
      actions,
      attributes,
      argv.pointers,
      envp.pointers,
    )
    if (errno !== 0) throw errnoError(errno, 'posix_spawn', file)
    return pid.readInt32LE()
  } finally {
    libc().posix_spawn_file_actions_destroy(actions)
    libc().posix_spawnattr_destroy(attributes)
  }
}

/** How a child has ended: by its own exit, or by a signal. */
export interface ChildEnd {
  readonly exitCode: number | undefined
  readonly signalNumber: number | undefined
}

/**
 * Wait for a child of spawnSession; this thread stands still meanwhile.
 *
 * @param waits  false: only look whether it has ended
 * @returns      undefined if it runs on
 * Source: waitpid(2)
 */
export function waitForChild(pid: number, waits = true): ChildEnd | undefined {
  const status = Buffer.alloc(4)
  for (;;) {
    const ended = libc().waitpid(pid, status, waits ? 0 : WNOHANG)
    if (ended === 0) return undefined
    if (ended === pid) break
    const error = systemError('waitpid')
    if (error.code !== 'EINTR') throw error
  }
  const word = status.readInt32LE()
  const signalNumber = word & 0x7f
  return signalNumber === 0
    ? { exitCode: (word >> 8) & 0xff, signalNumber: undefined }
    : { exitCode: undefined, signalNumber }
}

/** An anonymous file in memory; the caller closes the descriptor. Source: memfd_create(2) */
export function memfdCreate(name: string): number {
  const fd = libc().memfd_create(cString(name), MFD_CLOEXEC)
  if (fd < 0) throw systemError('memfd_create')
  return fd
}

/** Let a terminal show what is written to it as it is: a line feed brings no carriage return. Source: tcsetattr(3) */
export function passOutputThrough(fd: number): void {
  const termios = Buffer.alloc(termiosBytes)
  if (libc().tcgetattr(fd, termios) !== 0) throw systemError('tcgetattr')
  const flags = new Uint32Array(termios.buffer, termios.byteOffset + outputFlagsOffset, 1)
  flags[0] = (flags[0] ?? 0) & ~OPOST
  if (libc().tcsetattr(fd, TCSANOW, termios) !== 0) throw systemError('tcsetattr')
}

/**
 * Move the calling thread into new namespaces; programs it starts from then on begin there.
 *
 * @param flags  CLONE_NEW* bits
 * Source: unshare(2)
 */
export function unshare(flags: number): void {
  if (libc().unshare(flags) !== 0) throw systemError('unshare')
}

/**
 * Move the calling thread into an existing namespace.
 *
 * @param fd    an open `/proc/…/ns/…` file or a bind mount of one
 * @param type  the CLONE_NEW* bit it must be of; a mount namespace is refused (threads share it)
 * Source: setns(2)
 */
export function setns(fd: number, type: number): void {
  if (libc().setns(fd, type) !== 0) throw systemError('setns')
}

/**
 * A netlink socket of the thread's network namespace, for fs.write and fs.read (one datagram each).
 *
 * @param protocol  NETLINK_*
 * Source: netlink(7)
 */
export function openNetlink(protocol: number): number {
  const fd = libc().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol)
  if (fd < 0) throw systemError('socket')
  return fd
}

/** Source: gnu_dev_makedev, sys/sysmacros.h */
function makeDevice(major: number, minor: number): bigint {
  const high = BigInt(major)
  const low = BigInt(minor)
  return (
    ((high & 0xfffn) << 8n) | ((high & ~0xfffn) << 32n) | (low & 0xffn) | ((low & ~0xffn) << 12n)
  )
}

function writeTimespec(buffer: Buffer, offset: number, timeNs: bigint): void {
  const second = 1_000_000_000n
  // tv_nsec counts upwards from the second below, before the epoch too.
  const nanoseconds = ((timeNs % second) + second) % second
  buffer.writeBigInt64LE((timeNs - nanoseconds) / second, offset)
  buffer.writeBigInt64LE(nanoseconds, offset + 8)
}

function cString(text: Path): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  if (bytes.includes(0)) throw namedError('EINVAL', 'path', text)
  const terminated = Buffer.allocUnsafe(bytes.length + 1)
  bytes.copy(terminated)
  terminated[bytes.length] = 0
  return terminated
}

/** The strings are kept beside their addresses: nothing else holds them. */
function cStrings(texts: readonly string[]): {
  readonly pointers: Buffer
  readonly strings: readonly Buffer[]
} {
  const strings = texts.map(cString)
  const pointers = Buffer.alloc((strings.length + 1) * 8)
  for (const [index, text] of strings.entries()) {
    pointers.writeBigUInt64LE(ffi.getRawPointer(text), index * 8)
  }
  return { pointers, strings }
}

function splitAtNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = []
  let start = 0
  for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0, start)) {
    parts.push(bytes.subarray(start, end))
    start = end + 1
  }
  return parts
}

function systemError(syscall: string, path?: Path): NodeJS.ErrnoException {
  return errnoError(ffi.getInt32(libc().__errno_location(), 0), syscall, path)
}

function errnoError(errno: number, syscall: string, path?: Path): NodeJS.ErrnoException {
  const [name, description] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, 'unknown error']
  return describedError(name, description, errno, syscall, path)
}

function namedError(name: string, syscall: string, path: Path): NodeJS.ErrnoException {
  for (const [errno, [code, description]] of getSystemErrorMap()) {
    if (code === name) return describedError(name, description, -errno, syscall, path)
  }
  throw new Error(`bug: no such errno ${name}`)
}

function describedError(
  name: string,
  description: string,
  errno: number,
  syscall: string,
  path?: Path,
): NodeJS.ErrnoException {
  const where = path === undefined ? '' : ` '${path.toString()}'`
  const error: NodeJS.ErrnoException = new Error(`${name}: ${description}, ${syscall}${where}`)
  error.errno = -errno
  error.code = name
  error.syscall = syscall
  if (path !== undefined) error.path = path.toString()
  return error
}
