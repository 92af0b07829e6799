import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { TsctrError } from '../errors.ts'
import { writeControl } from './control-fifo.ts'

// Source: conmon ctrl.h REOPEN_LOGS_EVENT
const reopenMessage = 2
const pollMs = 5
const timeoutMs = 5000

/**
 * Have a monitor put an empty file in the place of its log: between two records, so none is torn.
 *
 * @param path  of its log; the caller has the file open, so its number is not given to the next
 * @throws      UNAVAILABLE if it does not
 */
export async function beginNewLog(controlFifo: string, path: string): Promise<void> {
  const before = statSync(path).ino
  if (writeControl(controlFifo, [reopenMessage, 0, 0])) {
    for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += pollMs) {
      if (statSync(path).ino !== before) return
      await sleep(pollMs)
    }
  }
  throw new TsctrError('UNAVAILABLE', `${path}: the monitor does not begin a new log`)
}
