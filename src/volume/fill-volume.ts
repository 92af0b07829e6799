import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from 'node:fs'
import { basename } from 'node:path'
import { isErrno } from '../errors.ts'
import { lockFile, tryLockFile } from '../host/file-lock.ts'
import { lutimesNs } from '../host/libc.ts'
import { storageError } from '../host/storage-error.ts'
import { copyAttributes } from '../snapshot/copy-file.ts'
import { copyMergedTree } from '../snapshot/merged-tree.ts'
import type { VolumeDirectories } from './volume-directories.ts'

const lockRetryMs = 5

/**
 * Copy into an empty volume what the image has at its place: names, owners, modes, times,
 * attributes, hard links. A volume with something in it is left as it is.
 *
 * The copy is made aside and moved when it is whole; a move that was interrupted is finished by the
 * next call, so a volume never keeps half of it.
 *
 * @param source  a directory
 * @throws        INVALID_ARGUMENT if the disk is full
 * Source: docker volumes, "Populate a volume using a container"
 */
export async function fillVolume(volume: VolumeDirectories, source: string): Promise<void> {
  const lock = await lockFile(volume.lock)
  try {
    fillLocked(volume, source)
  } finally {
    lock.release()
  }
}

/** The same for a worker thread, which may stand still while another process fills the volume. */
export function fillVolumeInThread(volume: VolumeDirectories, source: string): void {
  let lock = tryLockFile(volume.lock)
  for (; lock === undefined; lock = tryLockFile(volume.lock)) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lockRetryMs)
  }
  try {
    fillLocked(volume, source)
  } finally {
    lock.release()
  }
}

/**
 * Give a volume what lies in a directory beside it, attributes of the directory included.
 *
 * @param whole  renamed, gone then
 * @returns      false for a volume that has something in it, which stays as it is
 */
export async function takeWhole(volume: VolumeDirectories, whole: string): Promise<boolean> {
  const lock = await lockFile(volume.lock)
  try {
    if (existsSync(volume.copied)) moveIn(volume)
    if (readdirSync(volume.data).length > 0) return false
    renameSync(whole, volume.copied)
    moveIn(volume)
    return true
  } finally {
    lock.release()
  }
}

function fillLocked(volume: VolumeDirectories, source: string): void {
  if (!existsSync(volume.copied)) {
    const unfinished = basename(volume.copying)
    if (readdirSync(volume.data).some((name) => name !== unfinished)) return
    if (!copyAside(volume, source)) return
  }
  moveIn(volume)
}

/** @returns false where nothing can be written: what is mounted there read-only stays as it is */
function copyAside({ copying, copied }: VolumeDirectories, source: string): boolean {
  try {
    rmSync(copying, { recursive: true, force: true })
    mkdirSync(copying, { mode: 0o700 })
  } catch (error) {
    if (isErrno(error, 'EROFS')) return false
    throw storageError(copying, error)
  }
  try {
    copyMergedTree([source], copying)
  } catch (error) {
    rmSync(copying, { recursive: true, force: true })
    throw storageError(copying, error)
  }
  renameSync(copying, copied)
  return true
}

/** Entry by entry: a container that runs already sees this very directory. */
function moveIn({ copied, data }: VolumeDirectories): void {
  const attributes = lstatSync(copied, { bigint: true })
  for (const name of readdirSync(copied, { encoding: 'buffer' })) {
    const slash = Buffer.from('/')
    const from = Buffer.concat([Buffer.from(copied), slash, name])
    renameSync(from, Buffer.concat([Buffer.from(data), slash, name]))
  }
  copyAttributes(Buffer.from(copied), attributes, Buffer.from(data))
  rmdirSync(copied)
  // Of a mounted volume it lay in the data, whose time has changed with that.
  lutimesNs(data, attributes.atimeNs, attributes.mtimeNs)
}
