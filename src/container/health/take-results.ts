import { unsyncedTransaction } from '../../host/database.ts'
import type { Owner } from '../../host/owner.ts'
import { formatGoDuration } from '../../oci/go-duration.ts'
import { bundleOf } from '../../runtime/bundle.ts'
import { healthFiles, type LeftResult, readHealthResults } from '../../runtime/health-files.ts'
import { keptOutputBytes } from '../../runtime/health-helper.ts'
import { type ContainerRecord, getContainer, updateContainer } from '../../store/containers.ts'
import {
  addHealthResult,
  type HealthResult,
  lastHealthResultUs,
} from '../../store/health-results.ts'
import { asConfig } from '../config.ts'
import { recordContainerEvent } from '../container-event.ts'
import type { ContainerStores } from '../stores.ts'
import { type HealthProbe, healthProbeOf } from './healthcheck.ts'
import { nextHealth } from './next-health.ts'

/**
 * Put the results that a container's helper has left on record, and what they make of its health.
 * Whoever wants to know does it; each result counts once.
 *
 * @param run  the container's process: results of an earlier run are none of this one
 * @returns    the record as it is then; undefined if that process is not on record any more
 */
export function takeHealthResults(
  stores: Pick<ContainerStores, 'database' | 'stateRoot'>,
  id: string,
  run: Pick<Owner, 'pid'>,
): ContainerRecord | undefined {
  const { database } = stores
  const before = getContainer(database, id)
  if (before === undefined) return undefined
  const files = healthFiles(bundleOf(stores.stateRoot, before.namespace, id))
  const left = readHealthResults(files)
  const isNew = ({ startedAtUs }: LeftResult): boolean =>
    startedAtUs > lastHealthResultUs(database, id)
  if (left.some(isNew)) {
    unsyncedTransaction(database, () => {
      const record = getContainer(database, id)
      if (record?.process?.pid === run.pid) takeAll(stores, record, left.filter(isNew))
    })
  }
  const record = getContainer(database, id)
  return record?.process?.pid === run.pid ? record : undefined
}

function takeAll(
  { database }: Pick<ContainerStores, 'database'>,
  record: ContainerRecord,
  results: readonly LeftResult[],
): void {
  const probe = healthProbeOf(asConfig(record.config).healthcheck, undefined)
  const { health, startedAt } = record
  if (probe === undefined || health === undefined || startedAt === undefined) return
  let state: Pick<typeof health, 'status' | 'failingStreak'> = health
  for (const result of results) {
    const before = state.status
    const { startedAtUs, exitCode } = result
    const outcome = { isSuccess: exitCode === 0, startedAt: new Date(startedAtUs / 1000) }
    state = nextHealth(state, outcome, probe, startedAt)
    addHealthResult(database, record.id, toResult(result, probe))
    if (state.status !== before) {
      recordContainerEvent(database, record, `health_status: ${state.status}`)
    }
  }
  updateContainer(database, record.id, { health: { ...health, ...state } })
}

/** Source: moby daemon/health.go cmdProbe.run, limitedBuffer */
function toResult(result: LeftResult, { timeoutMs }: HealthProbe): HealthResult {
  const { startedAtUs, endedAtUs, exitCode, output: bytes } = result
  const isCut = bytes.length > keptOutputBytes
  const output = bytes.subarray(0, keptOutputBytes).toString() + (isCut ? '...' : '')
  if (exitCode !== undefined) return { startedAtUs, endedAtUs, exitCode, output }
  const said = `Health check exceeded timeout (${formatGoDuration(timeoutMs * 1e6)})`
  const text = output === '' ? said : `${said}: ${output}`
  return { startedAtUs, endedAtUs, exitCode: -1, output: text }
}
