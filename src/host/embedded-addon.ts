import { closeSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import sea from 'node:sea'
import { memfdCreate } from './libc.ts'

/**
 * A native addon carried inside the one-file build.
 *
 * @param name  the asset's name in the build
 * @returns     the addon's exports; undefined when running from source, where packages find their own
 */
export function embeddedAddon(name: string): object | undefined {
  if (!sea.isSea()) return undefined
  const bytes = Buffer.from(sea.getRawAsset(name))
  // dlopen wants a path; a memory file has one and leaves nothing on disk.
  const fd = memfdCreate(name)
  try {
    let written = 0
    while (written < bytes.length) written += writeSync(fd, bytes, written)
    const addon = { exports: {} }
    process.dlopen(addon, `/proc/self/fd/${fd}`, constants.dlopen.RTLD_NOW)
    return addon.exports
  } finally {
    closeSync(fd)
  }
}
