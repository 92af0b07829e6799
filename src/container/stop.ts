import { setTimeout as delay } from 'node:timers/promises'
import { hasCode, TsctrError } from '../errors.ts'
import { isAlive } from '../host/owner.ts'
import { parseSignal, type Signal } from '../oci/signal.ts'
import { killRuntime, type Runtime, resumeRuntime, runtimeOf } from '../runtime/runc.ts'
import { type ContainerRecord, getContainer, updateContainer } from '../store/containers.ts'
import { asConfig, type ContainerConfig, isRestarted } from './config.ts'
import { recordContainerEvent } from './container-event.ts'
import { endMonitor } from './end-monitor.ts'
import { imageProcessOf } from './image-process.ts'
import { isPaused } from './is-paused.ts'
import { withContainerLock } from './lock.ts'
import { isRunning } from './observe.ts'
import { settleContainer } from './settle.ts'
import { settled } from './settled.ts'
import type { ContainerStores } from './stores.ts'
import { waitForExit } from './wait-for-exit.ts'

export interface StopRequest {
  readonly name: string
  /** Sent first; the container's own stop signal if undefined. */
  readonly signal?: Signal | undefined
  /** Before SIGKILL; the container's own --stop-timeout or 10 s if undefined, negative waits for ever. */
  readonly graceMs?: number | undefined
}

const defaultGraceMs = 10_000
const killWaitMs = 10_000
const sigkill = 9

/**
 * End a container: its stop signal, then SIGKILL. One that does not run is left as it is.
 *
 * @throws  NOT_FOUND, RUNTIME_FAILED if it cannot be killed
 */
export async function stopContainer(stores: ContainerStores, request: StopRequest): Promise<void> {
  const found = await settled(stores, request.name)
  const record = await requestStop(stores, found.id)
  if (record === undefined || !isRunning(record)) return
  const config = asConfig(record.config)
  const stopSignal = request.signal ?? ownStopSignal(stores, record, config)
  const ownGraceMs = config.stopTimeoutS === undefined ? defaultGraceMs : config.stopTimeoutS * 1000
  const graceMs = request.graceMs ?? ownGraceMs
  const runtime = runtimeOf(stores.stateRoot, record.namespace, record.runtime)
  await sendSignal(stores, record, runtime, stopSignal.number)
  if (!(await hasEnded(stores, record, graceMs < 0 ? undefined : graceMs))) {
    await sendSignal(stores, record, runtime, sigkill)
    if (!(await hasEnded(stores, record, killWaitMs))) {
      throw new TsctrError('RUNTIME_FAILED', `container ${request.name}: does not end on SIGKILL`)
    }
  }
  await settleContainer(stores, record.id)
  recordContainerEvent(stores.database, record, 'stop')
}

/**
 * Keep the restart policy from starting it again: before the signal, so that the exit hook knows.
 *
 * @returns  the record as it is then; undefined if it is gone
 */
async function requestStop(
  stores: ContainerStores,
  id: string,
): Promise<ContainerRecord | undefined> {
  const record = getContainer(stores.database, id)
  if (record === undefined || !isRestarted(asConfig(record.config))) return record
  // Under the lock: a start that is under way is waited for, and stopped then.
  return withContainerLock(stores, id, async (current) => {
    if (current.restart.at !== undefined) endMonitor(current)
    updateContainer(stores.database, id, {
      isStopRequested: true,
      restart: { ...current.restart, at: undefined },
    })
    return current
  })
}

/**
 * Send a signal to the first process. A paused container goes on then, so that it gets it.
 *
 * @returns  false if there is nothing left to signal
 * Source: moby killWithSignal
 */
async function sendSignal(
  stores: ContainerStores,
  record: ContainerRecord,
  runtime: Runtime,
  signal: number,
): Promise<boolean> {
  if (!(await killRuntime(runtime, record.id, signal))) return false
  recordContainerEvent(stores.database, record, 'kill', { signal: String(signal) })
  // With SIGKILL the runtime may have seen to it itself.
  if (isPaused(record) && (await resumeRuntime(runtime, record.id))) {
    recordContainerEvent(stores.database, record, 'unpause')
  }
  return true
}

/**
 * Send a signal to a running container's first process.
 *
 * @throws  NOT_FOUND, FAILED_PRECONDITION if it does not run
 */
export async function killContainer(
  stores: ContainerStores,
  request: { readonly name: string; readonly signal: Signal },
): Promise<void> {
  const found = await settled(stores, request.name)
  const record = (await requestStop(stores, found.id)) ?? found
  const runtime = runtimeOf(stores.stateRoot, record.namespace, record.runtime)
  const wasSent =
    isRunning(record) && (await sendSignal(stores, record, runtime, request.signal.number))
  if (!wasSent) {
    const message = `container ${request.name}: is not running, cannot send ${request.signal.name}`
    throw new TsctrError('FAILED_PRECONDITION', message)
  }
  // Docker's kill returns when the signal is sent; after SIGKILL `ps` should not show it running.
  if (request.signal.name === 'SIGKILL' && (await hasEnded(stores, record, killWaitMs))) {
    await settleContainer(stores, record.id)
  }
}

function ownStopSignal(
  stores: ContainerStores,
  record: ContainerRecord,
  config: ContainerConfig,
): Signal {
  if (config.stopSignal !== undefined) return parseSignal(config.stopSignal)
  const ofImage = imageProcessOf(stores, record).stopSignal ?? 'SIGTERM'
  try {
    return parseSignal(ofImage)
  } catch (error) {
    // An image may say anything; its containers must be stoppable all the same.
    if (!hasCode(error, 'INVALID_ARGUMENT')) throw error
    return parseSignal('SIGTERM')
  }
}

async function hasEnded(
  stores: ContainerStores,
  record: ContainerRecord,
  withinMs: number | undefined,
): Promise<boolean> {
  const timeout =
    withinMs === undefined ? new AbortController().signal : AbortSignal.timeout(withinMs)
  try {
    await waitForExit(stores, record, { signal: timeout })
  } catch (error) {
    if (!timeout.aborted) throw error
    return false
  }
  // Without a monitor there is no exit file to wait for, only the process itself.
  while (record.process !== undefined && isAlive(record.process)) {
    if (timeout.aborted) return false
    await delay(20)
  }
  return true
}
