import type { Database } from '../host/database.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'

/** A name given to an index or a manifest. */
export interface ImageRecord {
  readonly namespace: string
  /** Canonical reference text, `docker.io/library/redis:alpine`. */
  readonly name: string
  readonly target: {
    readonly mediaType: string
    readonly digest: Digest
    readonly sizeBytes: number
  }
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly lastUsedAt: Date
}

export type NewImage = Pick<ImageRecord, 'namespace' | 'name' | 'target'> &
  Partial<Pick<ImageRecord, 'labels'>>

interface ImageRow {
  namespace: string
  name: string
  target_media_type: string
  target_digest: string
  target_size_bytes: number
  labels: string
  created_at: number
  updated_at: number
  last_used_at: number
}

/** Name a target; an image of that name is moved to it and keeps its creation time. */
export function putImage(database: Database, image: NewImage): void {
  const now = Date.now()
  database
    .prepare(
      `INSERT INTO image (namespace, name, target_media_type, target_digest, target_size_bytes,
                          labels, created_at, updated_at, last_used_at)
       VALUES (@namespace, @name, @mediaType, @digest, @sizeBytes, @labels, @now, @now, @now)
       ON CONFLICT (namespace, name) DO UPDATE SET
         target_media_type = @mediaType, target_digest = @digest, target_size_bytes = @sizeBytes,
         labels = @labels, updated_at = @now, last_used_at = @now`,
    )
    .run({
      namespace: image.namespace,
      name: image.name,
      ...image.target,
      labels: JSON.stringify(image.labels ?? {}),
      now,
    })
}

/** The image of exactly this name. */
export function getImage(
  database: Database,
  namespace: string,
  name: string,
): ImageRecord | undefined {
  const row = database
    .prepare<[string, string], ImageRow>('SELECT * FROM image WHERE namespace = ? AND name = ?')
    .get(namespace, name)
  return row === undefined ? undefined : toImage(row)
}

/** All images of a namespace, or of every namespace, newest first. */
export function listImages(database: Database, namespace?: string): ImageRecord[] {
  const statement = database.prepare<[string | null], ImageRow>(
    `SELECT * FROM image WHERE namespace = coalesce(?, namespace)
     ORDER BY created_at DESC, name`,
  )
  return statement.all(namespace ?? null).map(toImage)
}

/** Forget a name. @returns whether it existed */
export function deleteImage(database: Database, namespace: string, name: string): boolean {
  return (
    database.prepare('DELETE FROM image WHERE namespace = ? AND name = ?').run(namespace, name)
      .changes > 0
  )
}

/** Note that a container was made from the image just now. */
export function touchImage(database: Database, namespace: string, name: string): void {
  database
    .prepare('UPDATE image SET last_used_at = ? WHERE namespace = ? AND name = ?')
    .run(Date.now(), namespace, name)
}

function toImage(row: ImageRow): ImageRecord {
  return {
    namespace: row.namespace,
    name: row.name,
    target: {
      mediaType: row.target_media_type,
      digest: parseDigest(row.target_digest),
      sizeBytes: row.target_size_bytes,
    },
    labels: JSON.parse(row.labels) as Record<string, string>,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
    lastUsedAt: new Date(row.last_used_at),
  }
}
