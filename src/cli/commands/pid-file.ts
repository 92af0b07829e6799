import { writeFileSync } from 'node:fs'
import { TsctrError } from '../../errors.ts'
import type { ContainerRecord } from '../../store/containers.ts'

/** Write the pid of a container's process, as the host sees it, to where `--pidfile` says. */
export function writePidFile(path: string | undefined, record: ContainerRecord): void {
  if (path === undefined || record.process === undefined) return
  try {
    writeFileSync(path, String(record.process.pid))
  } catch (cause) {
    throw new TsctrError('INVALID_ARGUMENT', `--pidfile ${path}: cannot be written`, { cause })
  }
}
