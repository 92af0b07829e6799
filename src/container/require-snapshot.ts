import { TsctrError } from '../errors.ts'
import type { ContainerRecord } from '../store/containers.ts'

/** The key of a container's snapshot. @throws FAILED_PRECONDITION for a container of a bare rootfs */
export function requireSnapshot(record: ContainerRecord): string {
  if (record.snapshotKey !== undefined) return record.snapshotKey
  const message = `container ${record.name}: runs on a directory, not on an image`
  throw new TsctrError('FAILED_PRECONDITION', message)
}
