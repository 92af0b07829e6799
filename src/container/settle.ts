import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from '../errors.ts'
import { unsyncedTransaction } from '../host/database.ts'
import { isAlive } from '../host/owner.ts'
import { containerFiles } from '../runtime/container-files.ts'
import { endInterruptedStart } from '../runtime/end-interrupted-start.ts'
import { type ExitStatus, readExitStatus } from '../runtime/exit-status.ts'
import { deleteRuntime, runtimeOf } from '../runtime/runc.ts'
import {
  type ContainerRecord,
  getContainer,
  type HealthRecord,
  listContainers,
  unfinishedContainers,
  updateContainer,
} from '../store/containers.ts'
import { asConfig } from './config.ts'
import { recordContainerEvent } from './container-event.ts'
import { endMonitor } from './end-monitor.ts'
import { replaceHealthHelper } from './health/health-helper.ts'
import { healthProbeOf } from './health/healthcheck.ts'
import { startingHealth } from './health/next-health.ts'
import { takeHealthResults } from './health/take-results.ts'
import { withContainerLock } from './lock.ts'
import { nextRestart } from './next-restart.ts'
import { lacksHealthHelper, needsSettling, observe } from './observe.ts'
import { releaseRun } from './release-run.ts'
import { removeLocked } from './remove.ts'
import { recordGivenBack } from './run-events.ts'
import type { ContainerStores } from './stores.ts'

/** Docker's code for a container that was lost sight of. */
const lostExitCode = 255
/** 128 + SIGKILL: what is left of a container without a monitor is killed, and what is removed by force. */
export const killedExitCode = 137

/**
 * Bring a container's record and what it holds up to date with what happened to its processes:
 * record the exit, unmount, release the network, remove it if it was to go.
 *
 * Whoever notices first does it: the command in the foreground, conmon's exit hook, or any later
 * command. Done twice, or after being killed half way, it ends in the same state.
 *
 * @returns  the exit status if the container has ended; undefined if it lives or was never started
 */
export async function settleContainer(
  stores: ContainerStores,
  id: string,
): Promise<ExitStatus | undefined> {
  try {
    return await withContainerLock(stores, id, (record) => settleLocked(stores, record))
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error
    return undefined
  }
}

/** As settleContainer, for a caller that holds the lock. */
export async function settleLocked(
  stores: ContainerStores,
  record: ContainerRecord,
): Promise<ExitStatus | undefined> {
  if (observe(record).kind !== 'stale') {
    if (lacksHealthHelper(record)) replaceHealthHelper(stores, record)
    return exitOf(record)
  }
  switch (record.state) {
    case 'creating':
    case 'removing': {
      // Nothing is yet in the volumes of one that was never whole; of an `rm` we know no flags.
      const removesVolumes = record.state === 'creating' || asConfig(record.config).autoRemove
      await removeLocked(stores, record, { removesVolumes })
      return undefined
    }
    case 'starting':
      return settleInterruptedStart(stores, record)
    default:
      return recordExit(stores, record)
  }
}

/**
 * Settle what killed processes left half done, in any namespace: mounts, namespaces, addresses. It
 * costs one query where there is nothing, so commands that make containers do it first.
 */
export async function settleInterrupted(stores: ContainerStores): Promise<void> {
  for (const record of unfinishedContainers(stores.database)) {
    if (observe(record).kind === 'stale') await settleContainer(stores, record.id)
  }
}

/** Containers of the namespace, newest first, with records that are true now. */
export async function currentContainers(stores: ContainerStores): Promise<ContainerRecord[]> {
  const records = listContainers(stores.database, stores.namespace)
  const stale = records.filter(needsSettling)
  if (stale.length === 0) return records
  for (const record of stale) await settleContainer(stores, record.id)
  return listContainers(stores.database, stores.namespace)
}

/**
 * The process that started the container died on the way. If the container's own program runs
 * already, it is running; if not, it is put back to where it was.
 */
async function settleInterruptedStart(
  stores: ContainerStores,
  record: ContainerRecord,
): Promise<ExitStatus | undefined> {
  const hasProcess = record.process !== undefined && isAlive(record.process)
  const isMonitored = record.monitor !== undefined && isAlive(record.monitor)
  if (hasProcess && isMonitored && wasStarted(stores, record)) {
    const isChecked = healthProbeOf(asConfig(record.config).healthcheck, undefined) !== undefined
    updateContainer(stores.database, record.id, {
      state: 'running',
      owner: undefined,
      exitCode: undefined,
      startedAt: record.startedAt ?? new Date(),
      health: isChecked ? { ...startingHealth, helper: undefined } : undefined,
    })
    replaceHealthHelper(stores, record)
    return undefined
  }
  const status = readExitStatus(containerFiles(stores.dataRoot, record.id).exit)
  if (status !== undefined) return recordExit(stores, record)
  const runtime = runtimeOf(stores.stateRoot, record.namespace, record.runtime)
  endInterruptedStart(runtime, record.id)
  await deleteRuntime(runtime, record.id)
  await releaseRun(stores, record)
  // Nobody can have seen a container that was to go at its end and never began.
  if (asConfig(record.config).autoRemove && record.finishedAt === undefined) {
    await removeLocked(stores, record, { removesVolumes: true })
    return undefined
  }
  updateContainer(stores.database, record.id, {
    state: record.finishedAt === undefined ? 'created' : 'exited',
    process: undefined,
    monitor: undefined,
    owner: undefined,
  })
  return undefined
}

/** runc keeps a FIFO that the first process waits on until `start` opens it. Source: runc exec.fifo */
function wasStarted(stores: ContainerStores, record: ContainerRecord): boolean {
  const { stateDir } = runtimeOf(stores.stateRoot, record.namespace, record.runtime)
  return !existsSync(join(stateDir, record.id, 'exec.fifo'))
}

async function recordExit(stores: ContainerStores, record: ContainerRecord): Promise<ExitStatus> {
  const wasAlive = record.process !== undefined && isAlive(record.process)
  // They lie in the bundle, which goes with the run.
  if (record.process !== undefined) takeHealthResults(stores, record.id, record.process)
  await deleteRuntime(runtimeOf(stores.stateRoot, record.namespace, record.runtime), record.id)
  await releaseRun(stores, record)
  const status = readExitStatus(containerFiles(stores.dataRoot, record.id).exit) ?? {
    code: wasAlive ? killedExitCode : lostExitCode,
    finishedAt: new Date(),
  }
  const restart = nextRestart(record, asConfig(record.config).restartPolicy, status, new Date())
  // The hook that starts it again is the monitor's: both go on, and the record names them.
  if (restart.at === undefined) endMonitor(record)
  // After a power loss its process is dead again, and its exit status still lies in a file.
  unsyncedTransaction(stores.database, () => {
    updateContainer(stores.database, record.id, {
      state: 'exited',
      exitCode: status.code,
      finishedAt: status.finishedAt,
      process: undefined,
      ...(restart.at === undefined ? { monitor: undefined } : {}),
      owner: undefined,
      restart,
      health: endedHealth(getContainer(stores.database, record.id)),
    })
    recordDeath(stores, record, status)
    recordGivenBack(stores, record)
  })
  const settled = getContainer(stores.database, record.id)
  if (settled !== undefined && asConfig(settled.config).autoRemove) {
    await removeLocked(stores, settled, { removesVolumes: true })
  }
  return status
}

/** What has ended is not healthy. Source: moby container/health.go CloseMonitorChannel */
function endedHealth(record: ContainerRecord | undefined): HealthRecord | undefined {
  return record?.health && { ...record.health, status: 'unhealthy', helper: undefined }
}

function recordDeath(stores: ContainerStores, record: ContainerRecord, status: ExitStatus): void {
  const { oom } = containerFiles(stores.dataRoot, record.id)
  if (existsSync(oom)) recordContainerEvent(stores.database, record, 'oom')
  const startedMs = record.startedAt?.getTime() ?? status.finishedAt.getTime()
  const execDuration = String(
    Math.max(0, Math.round((status.finishedAt.getTime() - startedMs) / 1000)),
  )
  recordContainerEvent(stores.database, record, 'die', {
    execDuration,
    exitCode: String(status.code),
  })
}

function exitOf(record: ContainerRecord): ExitStatus | undefined {
  if (record.state !== 'exited' || record.exitCode === undefined) return undefined
  return { code: record.exitCode, finishedAt: record.finishedAt ?? new Date(0) }
}
