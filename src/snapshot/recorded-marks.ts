import { constants } from 'node:fs'
import type { Database } from '../host/database.ts'
import { recordedMetadata } from './recorded-metadata.ts'
import type { ParentLayer } from './snapshot-store.ts'

/**
 * Marks of overlay that the file system of the layers did not take, so that they stand in the
 * database alone. Whole paths as latin1: names are bytes.
 */
export interface RecordedMarks {
  /** An empty file stands in for each. */
  readonly whiteouts: ReadonlySet<string>
  readonly opaque: ReadonlySet<string>
}

export const noMarks: RecordedMarks = { whiteouts: new Set(), opaque: new Set() }

/** Attributes that mark a directory which hides what lies below it, of root and of users. */
export const opaqueNames = ['trusted.overlay.opaque', 'user.overlay.opaque']

/** The recorded marks of layers. */
export function recordedMarks(database: Database, layers: readonly ParentLayer[]): RecordedMarks {
  const whiteouts = new Set<string>()
  const opaque = new Set<string>()
  for (const { number, directory } of layers) {
    for (const { path, mode, rdev, xattrs } of recordedMetadata(database, number)) {
      const whole = `${latin1(Buffer.from(directory))}/${latin1(path)}`
      if ((mode & constants.S_IFMT) === constants.S_IFCHR && rdev === 0) whiteouts.add(whole)
      if (xattrs.some(({ name }) => opaqueNames.includes(latin1(name)))) opaque.add(whole)
    }
  }
  return { whiteouts, opaque }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
