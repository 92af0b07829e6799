import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isErrno } from '../errors.ts'
import { writeTransaction } from '../host/database.ts'
import { getVolume } from '../store/volumes.ts'
import type { VolumeStores } from './remove-volume.ts'
import { removedVolumes, volumeDirectories } from './volume-directories.ts'

/**
 * Put a volume's directory aside, within the transaction that deletes its row. While the row is
 * there, because the transaction did not come to its end, ensureVolumeDirectories takes it back.
 */
export function putAside(dataRoot: string, name: string): void {
  const { directory, removed } = volumeDirectories(dataRoot, name)
  mkdirSync(removedVolumes(dataRoot), { recursive: true, mode: 0o700 })
  discard(removed)
  if (existsSync(directory)) renameSync(directory, removed)
}

/** What lies aside under a name is no volume of a new row: within the transaction that makes it. */
export function discardRemoved(dataRoot: string, name: string): void {
  discard(volumeDirectories(dataRoot, name).removed)
}

/** Delete what was put aside by removals that are done, or were interrupted once they were. */
export function deleteRemoved({
  database,
  dataRoot,
}: Pick<VolumeStores, 'database' | 'dataRoot'>): void {
  const home = removedVolumes(dataRoot)
  if (!existsSync(home)) return
  writeTransaction(database, () => {
    for (const name of readdirSync(home)) {
      if (!isDiscarded(name) && getVolume(database, name) === undefined) discard(join(home, name))
    }
  })
  for (const name of readdirSync(home).filter(isDiscarded)) {
    try {
      rmSync(join(home, name), { recursive: true, force: true })
    } catch (error) {
      // Somebody else deletes it, too.
      if (!isErrno(error, 'ENOENT', 'ENOTEMPTY')) throw error
    }
  }
}

/** No volume's name begins with a dot. */
function isDiscarded(name: string): boolean {
  return name.startsWith('.')
}

function discard(removed: string): void {
  if (!existsSync(removed)) return
  renameSync(removed, join(dirname(removed), `.${randomBytes(16).toString('hex')}`))
}
