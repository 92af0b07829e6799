import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { syncfs } from './libc.ts'

/** Make a directory's own entries survive a power loss. */
export function fsyncDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Make everything written to the filesystem that holds `path` survive a power loss. */
export function syncFilesystemOf(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    syncfs(fd)
  } finally {
    closeSync(fd)
  }
}

/** Replace a file so that readers see the old bytes or the new, never a part. */
export function writeFileAtomically(path: string, data: string | Buffer, mode = 0o600): void {
  const temporary = `${path}.new-${process.pid}`
  try {
    writeFileSync(temporary, data, { mode, flush: true })
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
  fsyncDirectory(dirname(path))
}
