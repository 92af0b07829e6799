import { containerSize } from './container-size.ts'
import type { ListedContainer } from './list-containers.ts'
import type { ContainerStores } from './stores.ts'

export interface ContainersUsage {
  readonly total: number
  /** Those that run. */
  readonly active: number
  /** What they themselves have written. */
  readonly sizeBytes: number
  /** Of that, what those have that do not run. */
  readonly reclaimableBytes: number
}

/** Space of containers; walks through what each has written. */
export function containersUsage(
  stores: Pick<ContainerStores, 'snapshotter'>,
  containers: readonly ListedContainer[],
): ContainersUsage {
  const isActive = ({ state }: ListedContainer): boolean =>
    ['running', 'paused', 'restarting'].includes(state)
  const sizes = containers.map((container) => ({
    isActive: isActive(container),
    bytes: containerSize(stores, container.record).ownBytes,
  }))
  const sum = (some: typeof sizes): number => some.reduce((total, { bytes }) => total + bytes, 0)
  return {
    total: sizes.length,
    active: sizes.filter((each) => each.isActive).length,
    sizeBytes: sum(sizes),
    reclaimableBytes: sum(sizes.filter((each) => !each.isActive)),
  }
}
