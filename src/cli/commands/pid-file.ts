import { writeFileSync } from 'node:fs'
import type { ContainerRecord } from '../../store/containers.ts'

/** Write the pid of a container's process, as the host sees it, to where `--pidfile` says. */
export function writePidFile(path: string | undefined, record: ContainerRecord): void {
  if (path === undefined || record.process === undefined) return
  writeFileSync(path, String(record.process.pid))
}
