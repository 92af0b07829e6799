import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { tryLockFile } from '../host/file-lock.ts'

/** What belongs to a volume on disk. */
export interface VolumeDirectories {
  readonly directory: string
  /** What containers see. */
  readonly data: string
  /** What an image has at the volume's place, while it is copied. */
  readonly copying: string
  /** The same, whole, on its way into the data. */
  readonly copied: string
  readonly lock: string
  /** An archive, while it is unpacked by whoever holds the lock. */
  readonly importing: string
  readonly importLock: string
  /** Where the directory goes when the volume is removed. */
  readonly removed: string
}

/** Holds the directories of volumes that are being removed. */
export function removedVolumes(dataRoot: string): string {
  return join(dataRoot, 'volumes', '.removed')
}

export function volumeDirectories(dataRoot: string, name: string): VolumeDirectories {
  const directory = join(dataRoot, 'volumes', name)
  return {
    directory,
    data: join(directory, '_data'),
    copying: join(directory, 'copying'),
    copied: join(directory, 'copied'),
    lock: join(directory, 'lock'),
    importing: join(directory, 'importing'),
    importLock: join(directory, 'import-lock'),
    // In a directory of its own: with more before it, the longest name would be too long.
    removed: join(removedVolumes(dataRoot), name),
  }
}

/**
 * The same for a volume with something mounted on its data: a copy waits there, because it cannot
 * be moved from one file system to another.
 */
export function mountedDirectories(directories: VolumeDirectories): VolumeDirectories {
  const { data } = directories
  return {
    ...directories,
    copying: join(data, '.tsctr-copying'),
    copied: join(data, '.tsctr-copied'),
  }
}

/**
 * Make what is missing of the directories of a volume that has a row. A removal that was interrupted
 * before its row was gone is taken back, and what an interrupted import left is removed.
 */
export function ensureVolumeDirectories(dataRoot: string, name: string): VolumeDirectories {
  const directories = volumeDirectories(dataRoot, name)
  const { directory, data, removed } = directories
  if (!existsSync(directory) && existsSync(removed)) renameSync(removed, directory)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  // Users of the container must get in, whoever they are; the directories above keep others out.
  mkdirSync(data, { recursive: true, mode: 0o755 })
  if (existsSync(directories.importing)) removeInterruptedImport(directories)
  return directories
}

/** Nobody holds the lock of an import that was killed. */
function removeInterruptedImport({ importing, importLock }: VolumeDirectories): void {
  const lock = tryLockFile(importLock)
  if (lock === undefined) return
  try {
    rmSync(importing, { recursive: true, force: true })
  } finally {
    lock.release()
  }
}
