import { setTimeout as delay } from 'node:timers/promises'
import { hasCode, TsctrError } from '../errors.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { dockerState } from './docker-state.ts'
import { exitCodeOnRecord } from './exit-code-on-record.ts'
import { killedExitCode, settleContainer } from './settle.ts'
import { settled } from './settled.ts'
import type { ContainerStores } from './stores.ts'
import { waitForExit } from './wait-for-exit.ts'

/** What a container can be waited to be; `stopped` is podman's other word for `exited`. */
export const waitConditions = [
  'created',
  'running',
  'paused',
  'exited',
  'stopped',
  'removing',
  'removed',
  'healthy',
  'unhealthy',
] as const

export type WaitCondition = (typeof waitConditions)[number]

export interface WaitRequest {
  readonly name: string
  /** The first that holds ends the waiting; none: until it does not run. */
  readonly conditions: readonly WaitCondition[]
  /** How often to look where nothing tells of a change. */
  readonly lookEveryMs: number
}

/** What is said where there is no exit code to say. Source: podman wait */
export const noExitCode = -1

/**
 * Wait until a container is in one of some conditions.
 *
 * @returns  its exit code where it has ended or was removed, 0 if it has never run, as docker says;
 *           noExitCode for another condition
 * @throws   NOT_FOUND; FAILED_PRECONDITION if it cannot come to the condition any more
 */
export async function waitContainer(
  stores: ContainerStores,
  request: WaitRequest,
): Promise<number> {
  const { name, conditions, lookEveryMs } = request
  const record = await settled(stores, name)
  if (conditions.length === 0) return waitForEnd(stores, record, lookEveryMs)
  const what = `container ${name}`
  for (let current: ContainerRecord | undefined = record; ; ) {
    if (current === undefined) {
      if (conditions.includes('removed')) return exitCodeOnRecord(stores, record) ?? killedExitCode
      throw new TsctrError('FAILED_PRECONDITION', `${what}: was removed`)
    }
    const reached = conditionOf(current, conditions)
    if (reached !== undefined) {
      return hasEnded(reached) ? await waitForEnd(stores, current, lookEveryMs) : noExitCode
    }
    refuseHopeless(current, conditions, what)
    await delay(lookEveryMs)
    current = await settledIfThere(stores, record.id)
  }
}

async function waitForEnd(
  stores: ContainerStores,
  record: ContainerRecord,
  lookEveryMs: number,
): Promise<number> {
  // By its record: one that ends at this moment has no exit code there yet.
  if (record.state !== 'running') return record.exitCode ?? 0
  // Read before it is settled: a container with --rm takes its status along when it goes.
  const status = await waitForExit(stores, record, { lookEveryMs })
  if (status !== undefined) return status.code
  // Without a status its monitor was killed, or somebody was faster: it was removed or started anew.
  const settledStatus = await settleContainer(stores, record.id)
  return settledStatus?.code ?? exitCodeOnRecord(stores, record) ?? killedExitCode
}

function conditionOf(
  record: ContainerRecord,
  conditions: readonly WaitCondition[],
): WaitCondition | undefined {
  const state = dockerState(record)
  return conditions.find((condition) => {
    switch (condition) {
      case 'stopped':
        return state === 'exited'
      case 'healthy':
      case 'unhealthy':
        return state === 'running' && record.health?.status === condition
      default:
        return state === condition
    }
  })
}

function hasEnded(condition: WaitCondition): boolean {
  return condition === 'exited' || condition === 'stopped' || condition === 'removing'
}

/** Nobody should wait for ever for the health of what is not checked, or has ended. */
function refuseHopeless(
  record: ContainerRecord,
  conditions: readonly WaitCondition[],
  what: string,
): void {
  if (!conditions.every((condition) => condition === 'healthy' || condition === 'unhealthy')) return
  const state = dockerState(record)
  const wanted = conditions.join(' or ')
  if (state === 'exited') {
    const message = `${what}: ended with exit code ${record.exitCode ?? 0} and will not be ${wanted}`
    throw new TsctrError('FAILED_PRECONDITION', message)
  }
  if (state === 'running' && record.health === undefined) {
    throw new TsctrError('FAILED_PRECONDITION', `${what}: has no health check`, {
      hint: 'tsctr run --health-cmd',
    })
  }
}

async function settledIfThere(
  stores: ContainerStores,
  id: string,
): Promise<ContainerRecord | undefined> {
  try {
    return await settled(stores, id)
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error
    return undefined
  }
}
