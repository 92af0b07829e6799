import { TsctrError } from '../errors.ts'
import type { SnapshotInfo, Snapshotter } from './snapshotter.ts'

/**
 * The snapshot a user means: its key, its number, or a start of its key, `sha256:` left out or not.
 *
 * @throws  NOT_FOUND, INVALID_ARGUMENT for what starts several keys
 */
export function findSnapshotByName(snapshots: Snapshotter, text: string): SnapshotInfo {
  const all = snapshots.walk()
  const exact = all.find(({ key, number }) => key === text || String(number) === text)
  if (exact !== undefined) return exact
  const starts = [text, `sha256:${text}`]
  const [found, another] = all.filter(({ key }) => starts.some((start) => key.startsWith(start)))
  if (found === undefined || text === '') {
    throw new TsctrError('NOT_FOUND', `snapshot ${text}: no such snapshot`, {
      hint: 'tsctr snapshot ls lists those that are there',
    })
  }
  if (another !== undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `snapshot ${text}: several keys start so`)
  }
  return found
}
