import type { IngestRecord } from '../content/records.ts'
import type { Digest } from '../oci/digest.ts'
import type { SnapshotInfo } from '../snapshot/snapshotter.ts'
import { type LeaseRecord, leaseState } from '../store/leases.ts'

/**
 * Why nothing needs a blob.
 *
 * @param leases  those that are worth nothing any more
 */
export function blobReason(digest: Digest, leases: readonly LeaseRecord[]): string {
  const lease = leases.find(({ blobs }) => blobs.includes(digest))
  return lease === undefined ? 'no image names it' : leftBy(lease)
}

/** Why nothing needs a snapshot. @param leases  see blobReason */
export function snapshotReason(snapshot: SnapshotInfo, leases: readonly LeaseRecord[]): string {
  const lease = leases.find(({ snapshots }) => snapshots.includes(snapshot.key))
  if (lease !== undefined) return leftBy(lease)
  const { kind, labels, owner } = snapshot
  if (kind === 'committed') return 'no image and no container needs it'
  const target = labels['mount.target']
  if (kind === 'view' && target !== undefined) return `${target}: not mounted since the last reboot`
  return `no container uses it; process ${owner.pid} that made it is gone`
}

export function ingestReason(ingest: IngestRecord | undefined): string {
  if (ingest === undefined) return 'the database does not know it'
  const { owner, startedAt } = ingest
  return `begun by process ${owner.pid}, which is gone, at ${startedAt.toISOString()}`
}

export function leaseReason(lease: LeaseRecord): string {
  const { owner, expiresAt } = lease
  if (leaseState(lease) === 'expired') return `expired at ${expiresAt?.toISOString()}`
  return `process ${owner.pid} is gone`
}

function leftBy(lease: LeaseRecord): string {
  return `left by \`${lease.purpose}\`: ${leaseReason(lease)}`
}
