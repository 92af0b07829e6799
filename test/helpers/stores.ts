import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { migrations } from '../../src/cli/migrations.ts'
import { ContentStore } from '../../src/content/store.ts'
import { type Database, openDatabase } from '../../src/host/database.ts'
import { overlaySnapshotter } from '../../src/snapshot/overlay.ts'
import type { Snapshotter } from '../../src/snapshot/snapshotter.ts'

/** The stores of a data root, opened as the CLI opens them. */
export interface Stores {
  readonly dataRoot: string
  readonly database: Database
  readonly content: ContentStore
  readonly snapshots: Snapshotter
}

/** @param dataRoot  exists; several processes may open it */
export function openStores(dataRoot: string): Stores {
  const database = openDatabase(join(dataRoot, 'meta.db'), migrations)
  const snapshots = join(dataRoot, 'snapshots')
  mkdirSync(snapshots, { recursive: true })
  return {
    dataRoot,
    database,
    content: new ContentStore({ root: join(dataRoot, 'content'), database }),
    snapshots: overlaySnapshotter(snapshots, database),
  }
}
