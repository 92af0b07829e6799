import { watch } from 'node:fs'
import { isErrno } from '../errors.ts'
import { isAlive } from '../host/owner.ts'
import { containerFiles } from '../runtime/container-files.ts'
import { LogReader } from '../runtime/log-reader.ts'
import type { LogRecord } from '../runtime/log-record.ts'
import { parseRfc3339Ns } from '../runtime/log-time.ts'
import { type ContainerRecord, findContainer, getContainer } from '../store/containers.ts'
import { isRunning } from './observe.ts'
import type { ContainerStores } from './stores.ts'

export interface LogRequest {
  readonly name: string
  /** Only the last so many lines; undefined for all. */
  readonly tail?: number | undefined
  /** Nanoseconds since the epoch, both inclusive. */
  readonly sinceNs?: bigint | undefined
  readonly untilNs?: bigint | undefined
  /** Go on as lines come, until the container has ended. */
  readonly follows: boolean
  readonly signal?: AbortSignal | undefined
}

export interface TimedLogRecord extends LogRecord {
  readonly timeNs: bigint
}

/** A missed file event costs at most this long. */
const pollMs = 200

/**
 * A container's output as it was logged, in order.
 *
 * @throws  NOT_FOUND
 */
export async function* readLogs(
  stores: ContainerStores,
  request: LogRequest,
): AsyncGenerator<TimedLogRecord> {
  const record = findContainer(stores.database, stores.namespace, request.name)
  const path = containerFiles(stores.dataRoot, record.id).log
  const reader = LogReader.open(path)
  if (reader === undefined) return
  try {
    if (request.tail !== undefined) reader.seekTail(request.tail)
    for (;;) {
      // Asked before reading: what was written before the end is then read for certain.
      const canGrow = request.follows && isStillLogged(stores, record.id)
      for (const entry of reader.records()) {
        const timeNs = parseRfc3339Ns(entry.time) ?? 0n
        if (request.untilNs !== undefined && timeNs > request.untilNs) return
        if (request.sinceNs === undefined || timeNs >= request.sinceNs) yield { ...entry, timeNs }
      }
      if (!canGrow || request.signal?.aborted === true) return
      await nextChange(path, request.signal)
    }
  } finally {
    reader.close()
  }
}

/** A monitor that lives may still have output to write, even if the process has ended. */
function isStillLogged(stores: ContainerStores, id: string): boolean {
  const record: ContainerRecord | undefined = getContainer(stores.database, id)
  if (record === undefined) return false
  return isRunning(record) || (record.monitor !== undefined && isAlive(record.monitor))
}

function nextChange(path: string, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const watcher = watch(path)
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      watcher.close()
      resolve()
    }
    const timer = setTimeout(done, pollMs)
    signal?.addEventListener('abort', done, { once: true })
    watcher.once('change', done)
    watcher.once('error', (error) => {
      done()
      if (!isErrno(error, 'ENOENT')) reject(error)
    })
  })
}
