import { type BigIntStats, constants } from 'node:fs'
import { TsctrError } from '../errors.ts'
import { lgetxattr } from '../host/libc.ts'
import { type ByteString, byteStringOf, joinPath } from './byte-string.ts'
import { escapeName } from './layer-error.ts'
import type { FileToPack, WhiteoutToPack } from './pack-files.ts'
import type { RecordedMetadata } from './recorded-metadata.ts'
import { walkTree } from './walk-tree.ts'
import { opaqueName, opaqueValue, opaqueXattrs, whiteoutPrefix } from './whiteout.ts'

/** Features of overlay by which a directory shows files that it does not hold. */
const foreignXattrs = ['trusted.overlay.redirect', 'trusted.overlay.metacopy']

/**
 * What a directory in overlay form holds, as a layer says it: whiteouts by their names.
 *
 * The root itself is not among it: what a layer says of the root, its maker decides.
 *
 * @param recorded  what stands in the database and not on disk
 * @throws          INVALID_ARGUMENT for a name that would be read as a whiteout; UNSUPPORTED where
 *                  the kernel was set up to leave a renamed directory's content below
 * Source: OCI image-spec §layer.md#whiteouts; overlayfs.rst "whiteouts and opaque directories"
 */
export function* layerFiles(
  root: string,
  recorded: readonly RecordedMetadata[] = [],
): Generator<FileToPack | WhiteoutToPack> {
  const records = new Map(recorded.map((record) => [byteStringOf(record.path), record]))
  for (const { name, path, stats } of walkTree(root)) {
    if (name === '') continue
    const record = records.get(name)
    const { directory, base } = splitName(name)
    if (isWhiteout(stats, record)) {
      yield { whiteout: joinPath(directory, `${whiteoutPrefix}${base}` as ByteString) }
      continue
    }
    refuseWhiteoutName(name, base)
    refuseForeignContent(name, path)
    yield { name, path, stats, recorded: record }
    if (stats.isDirectory() && isOpaque(path, record)) {
      yield { whiteout: joinPath(name, opaqueName as ByteString) }
    }
  }
}

function splitName(name: ByteString): { directory: ByteString; base: ByteString } {
  const slash = name.lastIndexOf('/')
  return {
    directory: name.slice(0, Math.max(slash, 0)) as ByteString,
    base: name.slice(slash + 1) as ByteString,
  }
}

function isWhiteout(stats: BigIntStats, record: RecordedMetadata | undefined): boolean {
  if (stats.isCharacterDevice() && stats.rdev === 0n) return true
  if (record === undefined || record.rdev !== 0) return false
  return (record.mode & constants.S_IFMT) === constants.S_IFCHR
}

function isOpaque(path: Buffer, record: RecordedMetadata | undefined): boolean {
  return Object.values(opaqueXattrs).some(
    (name) =>
      lgetxattr(path, name)?.equals(opaqueValue) === true ||
      record?.xattrs.some((xattr) => byteStringOf(xattr.name) === name) === true,
  )
}

/** Nobody could tell it from the deletion of another file. */
export function refuseWhiteoutName(name: ByteString, base: ByteString): void {
  if (!base.startsWith(whiteoutPrefix)) return
  const problem = `a layer cannot hold a file whose name begins with ${whiteoutPrefix}`
  throw new TsctrError('INVALID_ARGUMENT', `${escapeName(name)}: ${problem}`)
}

function refuseForeignContent(name: ByteString, path: Buffer): void {
  const found = foreignXattrs.find((xattr) => lgetxattr(path, xattr) !== undefined)
  if (found === undefined) return
  const message = `${escapeName(name)}: its content lies in a lower layer (${found})`
  throw new TsctrError('UNSUPPORTED', message, {
    hint: 'set redirect_dir=N and metacopy=N in /sys/module/overlay/parameters',
  })
}
