import { type BigIntStats, statfsSync } from 'node:fs'
import { TsctrError } from '../../errors.ts'
import { type ByteString, joinPath } from '../../layer/byte-string.ts'
import { type FileToPack, packFiles } from '../../layer/pack-files.ts'
import type { NewTarEntry } from '../../layer/tar-format.ts'
import { walkTree } from '../../layer/walk-tree.ts'
import { inDirectory, type Located } from './locate.ts'

export interface PackRequest {
  readonly located: Located
  /** As errors name it. */
  readonly shown: string
  /** In the archive; undefined for the contents of a directory alone. */
  readonly name: ByteString | undefined
  /** Of all files; undefined to keep theirs. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
  /** All attributes that mean something elsewhere, not only capabilities. */
  readonly keepsXattrs: boolean
  /** Only whole seconds, as docker's archives have. */
  readonly roundsTimes: boolean
}

/**
 * A tar archive of a file or a tree, piece by piece.
 *
 * @throws  FAILED_PRECONDITION for what has no content to copy: sockets, the kernel's own files
 */
export function packSource(request: PackRequest): Generator<Buffer> {
  return packFiles(filesOf(request), {
    ownership: 'apply',
    change: (entry) => changed(entry, request),
  })
}

function changed(entry: NewTarEntry, request: PackRequest): NewTarEntry {
  const { owner, keepsXattrs, roundsTimes } = request
  const { seconds } = entry.modified
  return {
    ...entry,
    ...owner,
    ...(roundsTimes ? { modified: { seconds, nanoseconds: 0 } } : {}),
    // Docker's archives always have this one. Source: moby ReadSecurityXattrToTarHeader
    xattrs: keepsXattrs
      ? entry.xattrs
      : entry.xattrs.filter(({ name }) => name === 'security.capability'),
  }
}

function filesOf(request: PackRequest): Iterable<FileToPack> {
  const { located, shown } = request
  const { stats, directoryFd } = located
  if (stats === undefined) throw new TsctrError('NOT_FOUND', `${shown}: no such file or directory`)
  const name = request.name ?? ('' as ByteString)
  if (directoryFd !== undefined) {
    refuseKernelFiles(`/proc/self/fd/${directoryFd}`, shown)
    return treeFiles(located, directoryFd, name)
  }
  if (stats.isSocket()) {
    throw new TsctrError('FAILED_PRECONDITION', `${shown}: is a socket, which cannot be copied`)
  }
  refuseKernelFiles(`/proc/self/fd/${located.parentFd}`, shown)
  return [{ name, path: inDirectory(located.parentFd, located.name), stats }]
}

/** A tree without what the kernel and the runtime show in it: /proc, /sys, /dev. */
function* treeFiles(
  located: Located,
  directoryFd: number,
  name: ByteString,
): Generator<FileToPack> {
  const ownDevice = located.stats?.dev
  const skipped = new Set<ByteString>()
  const isMounted = (stats: BigIntStats): boolean => stats.isDirectory() && stats.dev !== ownDevice
  const root = `/proc/self/fd/${directoryFd}`
  for (const file of walkTree(root, { isSkipped: (child) => skipped.has(child) })) {
    if (isMounted(file.stats)) {
      const isDevices = located.name === '' && file.name === 'dev'
      if (isDevices || isKernelFilesystem(file.path)) skipped.add(file.name)
    }
    yield { ...file, name: file.name === '' ? name : joinPath(name, file.name) }
  }
}

/** Their files say that they are empty, so that a copy would be. */
function refuseKernelFiles(path: string, shown: string): void {
  if (!isKernelFilesystem(path)) return
  throw new TsctrError('FAILED_PRECONDITION', `${shown}: files of the kernel cannot be copied`, {
    hint: 'tsctr exec CONTAINER cat PATH',
  })
}

function isKernelFilesystem(path: string | Buffer): boolean {
  return kernelFilesystems.has(statfsSync(path).type)
}

/** Source: linux/magic.h */
const kernelFilesystems = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x1cd1, // devpts
  0x19800202, // mqueue
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0xcafe4a11, // bpf
])
