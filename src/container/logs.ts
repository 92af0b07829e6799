import { isAlive } from '../host/owner.ts'
import { watchDirectory } from '../host/watch-directory.ts'
import { containerFiles } from '../runtime/container-files.ts'
import { LogReader } from '../runtime/log-reader.ts'
import type { LogRecord } from '../runtime/log-record.ts'
import { parseRfc3339Ns } from '../runtime/log-time.ts'
import { findContainer, getContainer } from '../store/containers.ts'
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
}

/** A missed file event, and a monitor that was killed, are noticed after this long. */
const pollMs = 200

/**
 * A container's output as it was logged, in order, as many records at once as there are.
 *
 * @throws  NOT_FOUND
 */
export async function* readLogs(
  stores: Pick<ContainerStores, 'database' | 'dataRoot' | 'namespace'>,
  request: LogRequest,
): AsyncGenerator<readonly LogRecord[]> {
  const { id } = findContainer(stores.database, stores.namespace, request.name)
  const files = containerFiles(stores.dataRoot, id)
  const changes = request.follows ? watchDirectory(files.directory) : undefined
  let reader: LogReader | undefined
  try {
    for (;;) {
      // Asked before reading: what was written before the end is then read for certain.
      const canGrow = changes !== undefined && isStillLogged(stores, id)
      // A container that is being started has no log yet.
      reader ??= openAtTail(files.log, request.tail)
      for (const batch of reader?.batches() ?? []) {
        const { records, isPastEnd } = between(batch, request)
        if (records.length > 0) yield records
        if (isPastEnd) return
      }
      if (!canGrow) return
      await changes.next(pollMs)
    }
  } finally {
    reader?.close()
    changes?.close()
  }
}

function openAtTail(path: string, tail: number | undefined): LogReader | undefined {
  const reader = LogReader.open(path)
  if (tail !== undefined) reader?.seekTail(tail)
  return reader
}

function between(
  batch: readonly LogRecord[],
  { sinceNs, untilNs }: LogRequest,
): { records: readonly LogRecord[]; isPastEnd: boolean } {
  if (sinceNs === undefined && untilNs === undefined) return { records: batch, isPastEnd: false }
  const records: LogRecord[] = []
  for (const record of batch) {
    const timeNs = parseRfc3339Ns(record.time) ?? 0n
    if (untilNs !== undefined && timeNs > untilNs) return { records, isPastEnd: true }
    if (sinceNs === undefined || timeNs >= sinceNs) records.push(record)
  }
  return { records, isPastEnd: false }
}

/** A monitor that lives may still have output to write, even if the process has ended. */
function isStillLogged(stores: Pick<ContainerStores, 'database'>, id: string): boolean {
  const record = getContainer(stores.database, id)
  if (record === undefined) return false
  return isRunning(record) || (record.monitor !== undefined && isAlive(record.monitor))
}
