import type { Command } from 'commander'
import type { ResourceLimits } from '../../container/config.ts'
import { parseCpus, parseCpuset, wholeNumber } from '../../container/flag-values/number.ts'
import { parseSize } from '../../container/flag-values/size.ts'
import { single } from '../flag-parser.ts'

/** Limits that `run` sets and `update` changes; as commander derives them. */
export interface LimitFlags {
  readonly cpuPeriod?: number
  readonly cpuQuota?: number
  readonly cpuShares?: number
  readonly cpus?: number
  readonly cpusetCpus?: string
  readonly cpusetMems?: string
  readonly memory?: number
  readonly memoryReservation?: number
  readonly memorySwap?: number
  readonly pidsLimit?: number
}

/** The kernel's least, as docker has it. */
const minMemoryBytes = 6 * 1024 * 1024

export function addLimitFlags(command: Command): Command {
  const number = (flag: string, min: number, max?: number) => single(flag, wholeNumber(min, max))
  const size = (flag: string, minBytes = 1) => single(flag, (text) => parseSize(text, minBytes))
  const swap = (text: string): number => (text === '-1' ? -1 : parseSize(text))
  return command
    .option('--cpus <number>', 'number of CPUs', single('--cpus', parseCpus))
    .option('--cpu-shares <number>', 'relative weight', number('--cpu-shares', 2, 262144))
    .option('--cpu-period <µs>', 'length of a CFS period', number('--cpu-period', 1000, 1000000))
    .option('--cpu-quota <µs>', 'CPU time in each period', number('--cpu-quota', -1))
    .option('--cpuset-cpus <list>', 'CPUs to run on', single('--cpuset-cpus', parseCpuset))
    .option('--cpuset-mems <list>', 'memory nodes', single('--cpuset-mems', parseCpuset))
    .option('-m, --memory <size>', 'memory limit', size('--memory', minMemoryBytes))
    .option('--memory-reservation <size>', 'soft memory limit', size('--memory-reservation'))
    .option('--memory-swap <size>', 'memory and swap; -1 no limit', single('--memory-swap', swap))
    .option('--pids-limit <number>', 'processes; -1 no limit', number('--pids-limit', -1))
}

/** Those that were given, and no others. */
export function limitsFrom(flags: LimitFlags): Partial<ResourceLimits> {
  const limits: Partial<ResourceLimits> = {
    nanoCpus: flags.cpus,
    cpuShares: flags.cpuShares,
    cpuQuotaUs: flags.cpuQuota,
    cpuPeriodUs: flags.cpuPeriod,
    cpusetCpus: flags.cpusetCpus,
    cpusetMems: flags.cpusetMems,
    memoryBytes: flags.memory,
    memoryReservationBytes: flags.memoryReservation,
    memorySwapBytes: flags.memorySwap,
    pidsLimit: flags.pidsLimit,
  }
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
}
