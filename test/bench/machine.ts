import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { runCommand } from './run-command.ts'

/** @returns  sentences about the machine; `diskDir` is where the stores on disk lie */
export async function machineFacts(diskDir: string): Promise<string[]> {
  const [processor] = cpus()
  const distribution = /^PRETTY_NAME="?([^"\n]*)/m.exec(
    readFileSync('/etc/os-release', 'utf8'),
  )?.[1]
  const filesystem = (await runCommand(['stat', '-f', '-c', '%T', diskDir])).trim()
  const cgroup = (await runCommand(['stat', '-f', '-c', '%T', '/sys/fs/cgroup'])).trim()
  return [
    `${cpus().length} × ${processor?.model.trim() ?? 'processor'}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
    `${distribution ?? 'Linux'}, kernel ${release()}`,
    `disk with ${filesystem}`,
    `cgroup ${cgroup === 'cgroup2fs' ? 'v2' : 'v1'}`,
    `load ${loadavg()[0]?.toFixed(1)} at the start`,
  ]
}
