import { totalmem } from 'node:os'
import { cgroupMounts } from '../host/cgroup-mounts.ts'
import { type CgroupUsage, cgroupUsage } from '../runtime/cgroup-usage.ts'
import { type NetworkUsage, networkUsage } from '../runtime/network-usage.ts'
import { type ContainerRecord, findContainer, getContainer } from '../store/containers.ts'
import { asConfig } from './config.ts'
import { isRunning } from './observe.ts'
import { currentContainers } from './settle.ts'
import type { ContainerStores } from './stores.ts'

export interface StatsRequest {
  /** As typed; none for all that run. */
  readonly names: readonly string[]
  /** Without names: those that do not run too. */
  readonly isAll: boolean
}

/** What one container uses at one time. */
export interface ContainerSample {
  readonly record: ContainerRecord
  /** As it was named on the command line; its id where nothing was. */
  readonly asked: string
  readonly isRunning: boolean
  readonly atNs: bigint
  /** undefined where it does not run, or has just ended. */
  readonly usage: (CgroupUsage & { readonly network: NetworkUsage | undefined }) | undefined
}

/**
 * What the containers use now. The names are looked up at each call: a container that is not there
 * any more is left out.
 *
 * @throws  NOT_FOUND, at the first call alone
 */
export function containerSampler(
  stores: ContainerStores,
  request: StatsRequest,
): () => Promise<ContainerSample[]> {
  const asked = request.names.map((name) => ({
    name,
    id: findContainer(stores.database, stores.namespace, name).id,
  }))
  const mounts = cgroupMounts()
  const sample = (record: ContainerRecord, name: string): ContainerSample => {
    const runs = isRunning(record)
    const pid = runs ? record.process?.pid : undefined
    const usage = pid === undefined ? undefined : cgroupUsage(mounts, { id: record.id, pid })
    const isHostNetwork = asConfig(record.config).networkMode === 'host'
    return {
      record,
      asked: name,
      isRunning: runs,
      atNs: process.hrtime.bigint(),
      // As docker has it: what the host sends is not the container's.
      usage: usage && {
        ...usage,
        network: isHostNetwork || pid === undefined ? noNetwork : networkUsage(pid),
      },
    }
  }
  return async () => {
    if (asked.length === 0) {
      const records = await currentContainers(stores)
      const shown = records.filter((record) => request.isAll || isRunning(record))
      return shown.map((record) => sample(record, record.id))
    }
    return asked.flatMap(({ name, id }) => {
      const record = getContainer(stores.database, id)
      return record === undefined ? [] : [sample(record, name)]
    })
  }
}

const noNetwork: NetworkUsage = { receivedBytes: 0, sentBytes: 0 }

/** How much of one CPU was used between two samples, in percent; undefined where unknown. */
export function cpuPercent(before: ContainerSample | undefined, now: ContainerSample) {
  const [start, end] = [before?.usage?.cpuNs, now.usage?.cpuNs]
  if (before === undefined || start === undefined || end === undefined) return undefined
  const elapsedNs = Number(now.atNs - before.atNs)
  // Less than before: it has been started again, with a new cgroup.
  return elapsedNs <= 0 || end < start ? undefined : (Number(end - start) / elapsedNs) * 100
}

/** What a container may use at most: its limit, or what the machine has. Source: docker stats */
export function memoryLimitBytes(usage: Pick<CgroupUsage, 'memoryLimitBytes'>): number {
  return Math.min(usage.memoryLimitBytes ?? Infinity, totalmem())
}
