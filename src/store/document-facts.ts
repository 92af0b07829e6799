import type { Database } from '../host/database.ts'
import type { Digest } from '../oci/digest.ts'

/**
 * What listings want to know of an index or a manifest, kept so that they need not open a file for
 * each. It is derived from bytes that never change, and goes with the blob's record.
 */
export interface DocumentFacts {
  readonly digest: string
  /** Config of a manifest; null for an index. */
  readonly config: string | null
  /** JSON; its form is the writer's affair. */
  readonly facts: string
}

/** All that is known, but for manifests whose config is no longer here. */
export function listDocumentFacts(database: Database): DocumentFacts[] {
  return database
    .prepare<[], DocumentFacts>(
      `SELECT digest, config, facts FROM document_facts
       WHERE config IS NULL OR config IN (SELECT digest FROM blob)`,
    )
    .all()
}

/** Called inside a write transaction. */
export function recordDocumentFacts(
  database: Database,
  digest: Digest,
  config: Digest | null,
  facts: string,
): void {
  database
    .prepare('INSERT OR REPLACE INTO document_facts (digest, config, facts) VALUES (?, ?, ?)')
    .run(digest, config, facts)
}
