import type { ContentStore } from '../content/store.ts'
import type { Database } from '../host/database.ts'
import type { RegistryClient } from '../registry/client.ts'
import type { Snapshotter } from '../snapshot/snapshotter.ts'

/** What the image services work on. */
export interface ImageStores {
  readonly namespace: string
  readonly database: Database
  readonly content: ContentStore
  readonly snapshots: Snapshotter
  /** Made at the first use: most commands never speak to a registry. */
  registry(): Promise<RegistryClient>
}
