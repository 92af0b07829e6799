import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { storageError } from '../host/storage-error.ts'
import { type Digest, digestHex, parseDigest } from '../oci/digest.ts'

/** Where things lie below the content root. */
export interface ContentLayout {
  readonly root: string
  readonly blobDirectory: string
  readonly ingestDirectory: string
}

const keyForm = /^[A-Za-z0-9_-]{1,128}$/
const hexForm = /^[0-9a-f]{64}$/

/** Make the directories of a content store; others must not look in. */
export function makeContentLayout(root: string): ContentLayout {
  const blobDirectory = join(root, 'blobs', 'sha256')
  const ingestDirectory = join(root, 'ingest')
  try {
    mkdirSync(blobDirectory, { recursive: true, mode: 0o700 })
    mkdirSync(ingestDirectory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw storageError(root, error)
  }
  return { root, blobDirectory, ingestDirectory }
}

export function blobPathIn(layout: ContentLayout, digest: Digest): string {
  return join(layout.blobDirectory, digestHex(digest))
}

/** Digests that have a file, whether or not they have a row. */
export function blobFilesIn(layout: ContentLayout): Digest[] {
  return readdirSync(layout.blobDirectory)
    .filter((name) => hexForm.test(name))
    .map((name) => parseDigest(`sha256:${name}`))
}

/** Keys that have a directory, whether or not they have a row. */
export function ingestKeysIn(layout: ContentLayout): string[] {
  return readdirSync(layout.ingestDirectory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && keyForm.test(entry.name))
    .map((entry) => entry.name)
}

/** Files of one unfinished write. The lock is on `ref`: it is there as long as the ingest is. */
export interface IngestPaths {
  readonly directory: string
  readonly data: string
  readonly ref: string
  readonly total: string
}

export function ingestPathsIn(layout: ContentLayout, key: string): IngestPaths {
  if (!keyForm.test(key)) throw new Error(`bug: ingest key ${JSON.stringify(key)}`)
  const directory = join(layout.ingestDirectory, key)
  return {
    directory,
    data: join(directory, 'data'),
    ref: join(directory, 'ref'),
    total: join(directory, 'total'),
  }
}
