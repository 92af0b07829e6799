import { execFileSync } from 'node:child_process'
import { bootId, type Owner } from '../../src/host/owner.ts'

/** What a process that is gone had recorded of itself. */
export function deadOwner(): Owner {
  const stat = execFileSync('cat', ['/proc/self/stat'], { encoding: 'latin1' })
  const startTicks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
  return { pid: Number.parseInt(stat, 10), startTicks, bootId: bootId() }
}
