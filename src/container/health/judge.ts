import { isAlive } from '../../host/owner.ts'
import { bundleOf } from '../../runtime/bundle.ts'
import { dropHealthResult, healthFiles, readHealthResults } from '../../runtime/health-files.ts'
import { type ContainerRecord, getContainer } from '../../store/containers.ts'
import { asConfig } from '../config.ts'
import type { ContainerStores } from '../stores.ts'
import { isFrozen } from './freezer.ts'
import { healthProbeOf } from './healthcheck.ts'
import { killCheck } from './kill-check.ts'
import { nextCheckInMs } from './next-health.ts'
import { takeHealthResults } from './take-results.ts'

export interface Judgement {
  readonly nextInMs: number
  /** One more success would change nothing. */
  readonly isSteady: boolean
}

/**
 * What a container's helper asks after a check that may have changed something.
 *
 * @param pid  of the container's process that the helper was started for
 * @returns    undefined if there is nothing to check any more
 */
export function judgeHealth(
  stores: Pick<ContainerStores, 'database' | 'stateRoot'>,
  id: string,
  pid: number,
): Judgement | undefined {
  const before = getContainer(stores.database, id)
  if (before?.process?.pid !== pid || !isAlive(before.process)) return undefined
  sortOut(stores, before, pid)
  const record = takeHealthResults(stores, id, { pid })
  const probe = record && healthProbeOf(asConfig(record.config).healthcheck, undefined)
  if (record?.health === undefined || probe === undefined) return undefined
  const { health, startedAt = new Date() } = record
  return {
    nextInMs: nextCheckInMs(health, probe, Date.now() - startedAt.getTime()),
    isSteady: health.status === 'healthy' && health.failingStreak === 0,
  }
}

/** A check that took too long still runs; one that failed because the container was paused is none. */
function sortOut(
  { stateRoot }: Pick<ContainerStores, 'stateRoot'>,
  record: ContainerRecord,
  pid: number,
): void {
  const files = healthFiles(bundleOf(stateRoot, record.namespace, record.id))
  const last = readHealthResults(files).at(-1)
  if (last === undefined || last.exitCode === 0) return
  if (last.exitCode === undefined) killCheck(files, pid)
  if (isFrozen(pid)) dropHealthResult(files, last.slot)
}
