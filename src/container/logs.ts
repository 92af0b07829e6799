import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { TsctrError } from '../errors.ts'
import { isAlive } from '../host/owner.ts'
import { watchDirectory } from '../host/watch-directory.ts'
import { LogChain } from '../runtime/log-chain.ts'
import type { LogRecord } from '../runtime/log-record.ts'
import { parseRfc3339Ns } from '../runtime/log-time.ts'
import { findContainer, getContainer } from '../store/containers.ts'
import { logTargetOf } from './log-target.ts'
import { isRunning, observe } from './observe.ts'
import type { ContainerStores } from './stores.ts'

export interface LogRequest {
  readonly name: string
  /** Only the last so many lines; undefined for all. */
  readonly tail?: number | undefined
  /** Only this stream; undefined for both. */
  readonly stream?: LogRecord['stream'] | undefined
  /** Nanoseconds since the epoch, both inclusive. */
  readonly sinceNs?: bigint | undefined
  readonly untilNs?: bigint | undefined
  /** Go on as lines come, until the container has ended. */
  readonly follows: boolean
}

/** A missed file event, and a monitor that was killed, are noticed after this long. */
const pollMs = 200

/** Between the end of a container and its start by `restart`. */
const restartMs = 150

/**
 * A container's output as it was logged, in order, as many records at once as there are.
 *
 * @throws  NOT_FOUND, FAILED_PRECONDITION if its output is not logged
 */
export async function* readLogs(
  stores: Pick<ContainerStores, 'database' | 'dataRoot' | 'namespace'>,
  request: LogRequest,
): AsyncGenerator<readonly LogRecord[]> {
  const record = findContainer(stores.database, stores.namespace, request.name)
  const { path, maxFiles } = logTargetOf(stores.dataRoot, record)
  if (path === undefined) throw notLogged(request.name)
  const changes = request.follows ? watchDirectory(dirname(path)) : undefined
  let log: LogChain | undefined
  try {
    for (;;) {
      // Asked before reading: what was written before the end is then read for certain.
      const canGrow = changes !== undefined && (await isStillLogged(stores, record.id, log))
      // A container that is being started has no log yet.
      log ??= openAtTail(path, maxFiles, request)
      const batches = changes === undefined ? log?.presentBatches() : log?.batches()
      for (const batch of batches ?? []) {
        const { records, isPastEnd } = chosen(batch, request)
        if (records.length > 0) yield records
        if (isPastEnd) return
      }
      if (!canGrow) return
      await changes.next(pollMs)
    }
  } finally {
    log?.close()
    changes?.close()
  }
}

/** Source: docker logs of a container with --log-driver none */
export function notLogged(name: string): TsctrError {
  const message = `container ${name}: configured logging driver does not support reading`
  return new TsctrError('FAILED_PRECONDITION', message)
}

function openAtTail(
  path: string,
  maxFiles: number,
  { tail, stream }: LogRequest,
): LogChain | undefined {
  const log = LogChain.open(path, maxFiles)
  if (tail !== undefined) log?.seekTail(tail, stream)
  return log
}

function chosen(
  batch: readonly LogRecord[],
  { stream, sinceNs, untilNs }: LogRequest,
): { records: readonly LogRecord[]; isPastEnd: boolean } {
  const ofStream = stream === undefined ? batch : batch.filter((each) => each.stream === stream)
  if (sinceNs === undefined && untilNs === undefined) return { records: ofStream, isPastEnd: false }
  const records: LogRecord[] = []
  for (const record of ofStream) {
    const timeNs = parseRfc3339Ns(record.time) ?? 0n
    if (untilNs !== undefined && timeNs > untilNs) return { records, isPastEnd: true }
    if (sinceNs === undefined || timeNs >= sinceNs) records.push(record)
  }
  return { records, isPastEnd: false }
}

/** One that is followed is followed through a restart. */
async function isStillLogged(
  stores: Pick<ContainerStores, 'database'>,
  id: string,
  log: LogChain | undefined,
): Promise<boolean> {
  if (isLogged(stores, id)) return true
  if (log === undefined) return false
  await sleep(restartMs)
  return isLogged(stores, id)
}

/** A monitor that lives may still have output to write, even if the process has ended. */
function isLogged(stores: Pick<ContainerStores, 'database'>, id: string): boolean {
  const record = getContainer(stores.database, id)
  if (record === undefined) return false
  if (isRunning(record) || observe(record).kind === 'busy') return true
  return record.monitor !== undefined && isAlive(record.monitor)
}
