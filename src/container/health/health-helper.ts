import { readdirSync, readFileSync } from 'node:fs'
import { isErrno } from '../../errors.ts'
import { bootId, type Owner, processStartTicks } from '../../host/owner.ts'
import { bundleOf } from '../../runtime/bundle.ts'
import { healthFiles } from '../../runtime/health-files.ts'
import { type HealthHelper, startHealthHelper } from '../../runtime/health-helper.ts'
import { runtimeOf } from '../../runtime/runc.ts'
import { type ContainerRecord, getContainer, updateContainer } from '../../store/containers.ts'
import { asConfig } from '../config.ts'
import { lacksHealthHelper } from '../observe.ts'
import type { ContainerStores } from '../stores.ts'
import { freezerFile } from './freezer.ts'
import { healthProbeOf } from './healthcheck.ts'
import { type HealthState, nextCheckInMs } from './next-health.ts'
import { takeHealthResults } from './take-results.ts'

/**
 * Start what has the health of a running container checked; it waits until the caller has put it
 * on record, so that none is ever unknown.
 *
 * @returns  undefined if there is nothing to check
 */
export function openHealthHelper(
  stores: ContainerStores,
  record: ContainerRecord,
  run: { readonly process: Owner; readonly startedAt: Date; readonly health: HealthState },
): HealthHelper | undefined {
  const probe = healthProbeOf(asConfig(record.config).healthcheck, undefined)
  if (probe === undefined) return undefined
  const ageMs = Date.now() - run.startedAt.getTime()
  return startHealthHelper({
    containerId: record.id,
    process: run.process,
    runtime: runtimeOf(stores.stateRoot, record.namespace, record.runtime),
    files: healthFiles(bundleOf(stores.stateRoot, record.namespace, record.id)),
    freezerFile: freezerFile(run.process.pid),
    timeoutMs: probe.timeoutMs,
    firstInMs: nextCheckInMs(run.health, probe, ageMs),
    judgeCommand: [
      ...stores.selfCommand,
      ...['internal', 'health', record.id, String(run.process.pid)],
    ],
  })
}

/** Start a helper in the place of one that was killed; the caller holds the container's lock. */
export function replaceHealthHelper(stores: ContainerStores, { id }: ContainerRecord): void {
  const before = getContainer(stores.database, id)
  if (before === undefined || before.process === undefined || !lacksHealthHelper(before)) return
  endHealthHelper(before)
  takeHealthResults(stores, id, before.process)
  const record = getContainer(stores.database, id)
  if (record?.health === undefined) return
  const { process: container, startedAt = new Date(), health } = record
  if (container === undefined) return
  const helper = openHealthHelper(stores, record, { process: container, startedAt, health })
  if (helper === undefined) return
  try {
    updateContainer(stores.database, id, { health: { ...health, helper: helper.owner } })
    helper.begin()
  } finally {
    helper.close()
  }
}

/** End a container's helper and what it runs: all of its session. */
export function endHealthHelper({ health }: ContainerRecord): void {
  const helper = health?.helper
  if (helper === undefined || helper.bootId !== bootId()) return
  const startTicks = processStartTicks(helper.pid)
  // Another process has the pid by now. While one of the session lives, none can get it.
  if (startTicks !== undefined && startTicks !== helper.startTicks) return
  for (const pid of processesOfSession(helper.pid)) {
    // This process may be the helper's own child, which ends by itself.
    if (pid === process.pid) continue
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) throw error
    }
  }
}

/** The leader first, so that it starts no more. Source: proc(5) /proc/PID/stat, session */
function processesOfSession(leader: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const members = pids.map(Number).filter((pid) => sessionOf(pid) === leader)
  return members.includes(leader) ? [leader, ...members.filter((pid) => pid !== leader)] : members
}

function sessionOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3])
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ESRCH')) throw error
    return undefined
  }
}
