import { posix } from 'node:path'
import type { ContainerConfig } from '../config.ts'

type Parent = Pick<ContainerConfig, 'cgroupParent'>

/** Where the runtime makes the container's cgroup, below the root of each tree. */
export function cgroupsPath(config: Parent, containerId: string): string {
  return posix.join(cgroupParentOf(config), containerId)
}

/** From the root of the hierarchy, with a slash in front. */
export function cgroupParentOf(config: Parent): string {
  return posix.join('/', config.cgroupParent ?? 'tsctr')
}
