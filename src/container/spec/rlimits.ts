import { readFileSync } from 'node:fs'
import { TsctrError } from '../../errors.ts'
import type { HostFacts } from '../../host/host-facts.ts'
import type { Ulimit } from '../config.ts'

// Source: proc(5) /proc/PID/limits, getrlimit(2)
const titles: ReadonlyMap<string, string> = new Map([
  ['as', 'Max address space'],
  ['core', 'Max core file size'],
  ['cpu', 'Max cpu time'],
  ['data', 'Max data size'],
  ['fsize', 'Max file size'],
  ['locks', 'Max file locks'],
  ['memlock', 'Max locked memory'],
  ['msgqueue', 'Max msgqueue size'],
  ['nice', 'Max nice priority'],
  ['nofile', 'Max open files'],
  ['nproc', 'Max processes'],
  ['rss', 'Max resident set'],
  ['rtprio', 'Max realtime priority'],
  ['rttime', 'Max realtime timeout'],
  ['sigpending', 'Max pending signals'],
  ['stack', 'Max stack size'],
])

/** Every limit that has a name. */
export const rlimitNames: readonly string[] = [...titles.keys()]

/**
 * Whether this process may give a limit; the runtime would fail in words that name neither.
 *
 * @throws  FAILED_PRECONDITION if the hard limit is above our own and CAP_SYS_RESOURCE is missing
 */
export function checkRlimit(limit: Ulimit, facts: Pick<HostFacts, 'capabilities'>): void {
  if (facts.capabilities.includes('CAP_SYS_RESOURCE')) return
  const own = ownHardLimit(limit.name)
  const isWithin = own === -1 || (limit.hard !== -1 && limit.hard <= own)
  if (isWithin) return
  const wanted = limit.hard === -1 ? 'unlimited' : String(limit.hard)
  throw new TsctrError(
    'FAILED_PRECONDITION',
    `ulimit ${limit.name}: ${wanted} is above this process's own hard limit of ${own}`,
    { hint: 'CAP_SYS_RESOURCE, which raising it needs, is missing here' },
  )
}

/** @returns -1 for unlimited */
function ownHardLimit(name: string): number {
  const title = titles.get(name) ?? ''
  const lines = readFileSync('/proc/self/limits', 'latin1').split('\n')
  const line = lines.find((text) => text.startsWith(title)) ?? ''
  const [, hard] = line.slice(title.length).trim().split(/\s+/)
  return hard === undefined || hard === 'unlimited' ? -1 : Number(hard)
}
