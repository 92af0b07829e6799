import { readFileSync } from 'node:fs'
import { isErrno } from '../errors.ts'

export interface NetworkUsage {
  readonly receivedBytes: number
  readonly sentBytes: number
}

/**
 * What has gone over the interfaces of a process's network namespace, loopback apart; nobody has to
 * enter it for that.
 *
 * @returns  undefined if the process is gone
 * Source: proc(5) /proc/PID/net/dev
 */
export function networkUsage(pid: number, procDirectory = '/proc'): NetworkUsage | undefined {
  let text: string
  try {
    text = readFileSync(`${procDirectory}/${pid}/net/dev`, 'utf8')
  } catch (error) {
    // EINVAL: it is a zombie, which has no namespace any more.
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EINVAL')) return undefined
    throw error
  }
  let [receivedBytes, sentBytes] = [0, 0]
  for (const [, name, counters = ''] of text.matchAll(/^ *(\S+):(.*)$/gm)) {
    if (name === 'lo') continue
    const numbers = counters.trim().split(/\s+/).map(Number)
    receivedBytes += numbers[0] ?? 0
    sentBytes += numbers[8] ?? 0
  }
  return { receivedBytes, sentBytes }
}
