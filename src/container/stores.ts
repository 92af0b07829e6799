import type { ImageStores } from '../image/stores.ts'
import type { Snapshotter } from '../snapshot/snapshotter.ts'

/** What the container services work on. */
export interface ContainerStores extends ImageStores {
  readonly dataRoot: string
  readonly stateRoot: string
  /** The snapshotter that a container was made with, by the name in its record. */
  snapshotter(name: string): Snapshotter
  /** Name of the one for new containers: what this machine can mount. */
  readonly containerSnapshotter: string
  /** argv that starts this very tsctr with the same roots: what conmon runs when a container ends. */
  readonly selfCommand: readonly string[]
}
