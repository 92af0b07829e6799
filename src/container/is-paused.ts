import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readTextIfThere } from '../host/read-text.ts'
import { processCgroup } from '../runtime/process-cgroup.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { asConfig } from './config.ts'
import { cgroupsPath } from './spec/cgroups-path.ts'

/**
 * Whether the kernel holds a running container's processes still: looked up, so that it is true
 * whoever has paused it.
 *
 * Source: cgroups(7) cgroup.freeze; kernel cgroup-v1/freezer-subsystem.rst
 */
export function isPaused(record: Pick<ContainerRecord, 'config' | 'id' | 'process'>): boolean {
  const { id, process } = record
  if (process === undefined) return false
  const usual = usualFreezer(record)
  if (usual !== undefined) return usual
  const cgroup = processCgroup(process.pid, id)
  return cgroup !== undefined && (isFrozen(cgroup.path, cgroup.isV1) ?? false)
}

/** One file is read where the cgroup is where it was asked for; undefined elsewhere. */
function usualFreezer({ config, id }: Pick<ContainerRecord, 'config' | 'id'>): boolean | undefined {
  isV1 ??= existsSync(v1Freezer)
  const path = cgroupsPath(asConfig(config), id)
  return isFrozen(join(isV1 ? v1Freezer : '/sys/fs/cgroup', path), isV1)
}

const v1Freezer = '/sys/fs/cgroup/freezer'
let isV1: boolean | undefined

function isFrozen(path: string, isOfV1: boolean): boolean | undefined {
  const [file, frozen] = isOfV1 ? ['freezer.state', 'FROZEN'] : ['cgroup.freeze', '1']
  const state = readTextIfThere(join(path, file))
  return state === undefined ? undefined : state.trim() === frozen
}
