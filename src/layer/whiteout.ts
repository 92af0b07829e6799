import { closeSync, constants, openSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { mknod } from '../host/libc.ts'
import type { ByteString } from './byte-string.ts'
import { layerError } from './layer-error.ts'

export const whiteoutPrefix = '.wh.'
export const opaqueName = '.wh..wh..opq'
/** Names AUFS kept for itself; old docker layers may still carry them. */
const aufsPrefix = '.wh..wh.'

/** What a layer's overlay file system calls "the lower layers' content ends here". */
export const opaqueXattrs = {
  apply: 'trusted.overlay.opaque',
  record: 'user.overlay.opaque',
} as const

export const opaqueValue = Buffer.from('y')

export type Whiteout =
  | { readonly kind: 'name'; readonly name: ByteString }
  | { readonly kind: 'opaque' }
  | { readonly kind: 'ignored' }

/**
 * What an entry's last component means as a whiteout.
 *
 * @returns  undefined for an ordinary name
 * @throws   INVALID_ARGUMENT where it would delete its own directory or the one above
 * Source: OCI image-spec §layer.md#whiteouts
 */
export function parseWhiteout(entryName: ByteString, base: ByteString): Whiteout | undefined {
  if (!base.startsWith(whiteoutPrefix)) return undefined
  if (base === opaqueName) return { kind: 'opaque' }
  if (base.startsWith(aufsPrefix)) return { kind: 'ignored' }
  const name = base.slice(whiteoutPrefix.length) as ByteString
  if (name === '' || name === '.' || name === '..') {
    throw layerError(entryName, 'whiteout does not name a file')
  }
  return { kind: 'name', name }
}

/** Attributes by which overlay steers itself: a layer that brought its own could show any file of those below. */
export function isOverlayXattr(name: string): boolean {
  return name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.')
}

/**
 * Make the mark that hides a name of the layers below: a character device 0:0. The kernel asks no
 * privilege for it; where it is forbidden all the same, by a sandbox or because the file system is
 * overlay itself, an empty file stands in.
 *
 * @returns  false for the stand-in, which only a record tells from a file
 * Source: overlayfs.rst "whiteouts and opaque directories"
 */
export function makeWhiteout(path: Buffer): boolean {
  try {
    mknod(path, constants.S_IFCHR, 0, 0)
    return true
  } catch (error) {
    if (!isErrno(error, 'EPERM')) throw error
  }
  makePlaceholder(path)
  return false
}

/** An empty file in the place of what an unprivileged user cannot make. */
export function makePlaceholder(path: Buffer): void {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | constants.O_WRONLY
  closeSync(openSync(path, flags, 0o600))
}
