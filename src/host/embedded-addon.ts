import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { constants as os } from 'node:os'
import sea from 'node:sea'
import { memfdCreate } from './libc.ts'

/** Source: open(2), fcntl-linux.h */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY

/**
 * A native addon carried inside the one-file build.
 *
 * @param name  the asset's name in the build
 * @returns     the addon's exports; undefined when running from source, where packages find their own
 */
export function embeddedAddon(name: string): object | undefined {
  if (!sea.isSea()) return undefined
  const bytes = Buffer.from(sea.getRawAsset(name))
  // dlopen wants a path; a file without a name has one in /proc and leaves nothing on disk. One in
  // /dev/shm comes first: a memory file takes a call of libc, and binding that takes 5 ms.
  try {
    return load(bytes, openSync('/dev/shm', O_TMPFILE | constants.O_RDWR, 0o600))
  } catch {
    // It is not there, or nothing may be run from it.
    return load(bytes, memfdCreate(name))
  }
}

/** @param fd  an empty file, closed here */
function load(bytes: Buffer, fd: number): object {
  try {
    let written = 0
    while (written < bytes.length) written += writeSync(fd, bytes, written)
    const addon = { exports: {} }
    process.dlopen(addon, `/proc/self/fd/${fd}`, os.dlopen.RTLD_NOW)
    return addon.exports
  } finally {
    closeSync(fd)
  }
}
