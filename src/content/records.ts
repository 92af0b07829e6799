import type { Database } from '../host/database.ts'
import { type Owner, selfAsOwner } from '../host/owner.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'

/** Committed bytes. */
export interface Blob {
  readonly digest: Digest
  readonly sizeBytes: number
  readonly mediaType: string | undefined
  readonly labels: ReadonlyMap<string, string>
  readonly createdAt: Date
}

/** An unfinished write. */
export interface IngestRecord {
  readonly key: string
  /** What is being fetched, for people: `layer-sha256:…`. */
  readonly ref: string
  readonly digest: Digest | undefined
  readonly totalBytes: number | undefined
  readonly owner: Owner
  readonly startedAt: Date
}

interface BlobRow {
  digest: string
  size_bytes: number
  media_type: string | null
  labels: string
  created_at: number
}

interface IngestRow {
  key: string
  ref: string
  digest: string | null
  total_bytes: number | null
  owner_pid: number
  owner_start_ticks: number
  owner_boot_id: string
  started_at: number
}

export function findBlob(database: Database, digest: Digest): Blob | undefined {
  const row = database.prepare<[string], BlobRow>('SELECT * FROM blob WHERE digest = ?').get(digest)
  return row === undefined ? undefined : toBlob(row)
}

/** All blobs by digest. */
export function listBlobs(database: Database): Blob[] {
  return database.prepare<[], BlobRow>('SELECT * FROM blob ORDER BY digest').all().map(toBlob)
}

/** Record a blob whose file is in place; labels and age of a record that is there are kept. */
export function recordBlob(
  database: Database,
  blob: { digest: Digest; sizeBytes: number; mediaType: string },
): void {
  database
    .prepare(
      `INSERT INTO blob (digest, size_bytes, media_type, created_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (digest) DO UPDATE SET size_bytes = excluded.size_bytes`,
    )
    .run(blob.digest, blob.sizeBytes, blob.mediaType === '' ? null : blob.mediaType, Date.now())
}

/** Replace a blob's labels. @returns whether there is such a record */
export function setBlobLabels(
  database: Database,
  digest: Digest,
  labels: ReadonlyMap<string, string>,
): boolean {
  const text = JSON.stringify(Object.fromEntries(labels))
  return (
    database.prepare('UPDATE blob SET labels = ? WHERE digest = ?').run(text, digest).changes > 0
  )
}

/** @returns whether there was such a record */
export function deleteBlobRecord(database: Database, digest: Digest): boolean {
  return database.prepare('DELETE FROM blob WHERE digest = ?').run(digest).changes > 0
}

export function findIngest(database: Database, key: string): IngestRecord | undefined {
  const row = database.prepare<[string], IngestRow>('SELECT * FROM ingest WHERE key = ?').get(key)
  return row === undefined ? undefined : toIngest(row)
}

/** All unfinished writes, oldest first. */
export function listIngests(database: Database): IngestRecord[] {
  return database
    .prepare<[], IngestRow>('SELECT * FROM ingest ORDER BY started_at, key')
    .all()
    .map(toIngest)
}

/** Record an ingest as this process's own, whoever began it. */
export function recordIngest(
  database: Database,
  ingest: { key: string; ref: string; digest: Digest; totalBytes: number },
): void {
  const owner = selfAsOwner()
  database
    .prepare(
      `INSERT OR REPLACE INTO ingest (key, ref, digest, total_bytes,
         owner_pid, owner_start_ticks, owner_boot_id, started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      ingest.key,
      ingest.ref,
      ingest.digest,
      ingest.totalBytes,
      owner.pid,
      owner.startTicks,
      owner.bootId,
      Date.now(),
    )
}

export function deleteIngestRecord(database: Database, key: string): void {
  database.prepare('DELETE FROM ingest WHERE key = ?').run(key)
}

function toBlob(row: BlobRow): Blob {
  return {
    digest: parseDigest(row.digest),
    sizeBytes: row.size_bytes,
    mediaType: row.media_type ?? undefined,
    labels: new Map(Object.entries(JSON.parse(row.labels) as Record<string, string>)),
    createdAt: new Date(row.created_at),
  }
}

function toIngest(row: IngestRow): IngestRecord {
  return {
    key: row.key,
    ref: row.ref,
    digest: row.digest === null ? undefined : parseDigest(row.digest),
    totalBytes: row.total_bytes ?? undefined,
    owner: {
      pid: row.owner_pid,
      startTicks: row.owner_start_ticks,
      bootId: row.owner_boot_id,
    },
    startedAt: new Date(row.started_at),
  }
}
