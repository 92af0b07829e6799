import { join } from 'node:path'
import { readTextIfThere } from '../host/read-text.ts'
import { processCgroup } from '../runtime/process-cgroup.ts'
import type { ContainerRecord } from '../store/containers.ts'

/**
 * Whether the kernel holds a running container's processes still: looked up, so that it is true
 * whoever has paused it.
 *
 * Source: cgroups(7) cgroup.freeze; kernel cgroup-v1/freezer-subsystem.rst
 */
export function isPaused({ id, process }: Pick<ContainerRecord, 'id' | 'process'>): boolean {
  const cgroup = process === undefined ? undefined : processCgroup(process.pid, id)
  if (cgroup === undefined) return false
  const [file, frozen] = cgroup.isV1 ? ['freezer.state', 'FROZEN'] : ['cgroup.freeze', '1']
  return readTextIfThere(join(cgroup.path, file))?.trim() === frozen
}
