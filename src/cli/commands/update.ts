import type { Command } from 'commander'
import type { ResourceLimits, RestartPolicy } from '../../container/config.ts'
import { parseCpus, parseCpuset, wholeNumber } from '../../container/flag-values/number.ts'
import { parsePublish } from '../../container/flag-values/publish.ts'
import { parseRestartPolicy } from '../../container/flag-values/restart-policy.ts'
import { parseSize } from '../../container/flag-values/size.ts'
import { updatePorts } from '../../container/networks/update-ports.ts'
import { updateLimits } from '../../container/update.ts'
import { TsctrError } from '../../errors.ts'
import type { PortRequest } from '../../network/allocate-ports.ts'
import { withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'
import { forEachTarget } from '../targets.ts'

interface UpdateFlags {
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
  readonly publishAdd?: readonly (readonly PortRequest[])[]
  readonly publishRm?: readonly (readonly PortRequest[])[]
  readonly restart?: RestartPolicy
}

const minMemoryBytes = 6 * 1024 * 1024

/** The same flags as those of `run`. Source: docker update */
export function addUpdateCommand(parent: Command): void {
  const number = (flag: string, min: number, max?: number) => single(flag, wholeNumber(min, max))
  const swap = (text: string): number => (text === '-1' ? -1 : parseSize(text))
  parent
    .command('update <container...>')
    .description(
      'Change limits, the restart policy and published ports of containers, also of running ones',
    )
    .option('--cpus <number>', 'number of CPUs', single('--cpus', parseCpus))
    .option('--cpu-shares <number>', 'relative weight', number('--cpu-shares', 2, 262144))
    .option('--cpu-period <µs>', 'length of a CFS period', number('--cpu-period', 1000, 1000000))
    .option('--cpu-quota <µs>', 'CPU time in each period', number('--cpu-quota', -1))
    .option('--cpuset-cpus <list>', 'CPUs to run on', single('--cpuset-cpus', parseCpuset))
    .option('--cpuset-mems <list>', 'memory nodes', single('--cpuset-mems', parseCpuset))
    .option(
      '-m, --memory <size>',
      'memory limit',
      single('--memory', (text) => parseSize(text, minMemoryBytes)),
    )
    .option(
      '--memory-reservation <size>',
      'soft memory limit',
      single('--memory-reservation', (text) => parseSize(text, 1)),
    )
    .option('--memory-swap <size>', 'memory and swap; -1 no limit', single('--memory-swap', swap))
    .option('--pids-limit <number>', 'processes; -1 no limit', number('--pids-limit', -1))
    .option(
      '--restart <policy>',
      'no, on-failure[:max-retries], always or unless-stopped',
      single('--restart', parseRestartPolicy),
    )
    .option(
      '--publish-add <port>',
      'publish a port, as run -p',
      repeated('--publish-add', parsePublish),
    )
    .option(
      '--publish-rm <port>',
      'publish a port no more: PORT[/PROTOCOL], or as it was published',
      repeated('--publish-rm', parsePublish),
    )
    .action((names: string[], flags: UpdateFlags, command: Command) => {
      const limits = limitsFrom(flags)
      const add = flags.publishAdd?.flat() ?? []
      const remove = flags.publishRm?.flat() ?? []
      const changesPorts = add.length + remove.length > 0
      const changesLimits = Object.keys(limits).length > 0 || flags.restart !== undefined
      if (!changesPorts && !changesLimits) {
        throw new TsctrError('INVALID_ARGUMENT', 'update: no flag says what to change', {
          hint: 'tsctr update --help',
        })
      }
      if (flags.cpus !== undefined && (flags.cpuQuota ?? flags.cpuPeriod) !== undefined) {
        throw new TsctrError('INVALID_ARGUMENT', '--cpus: contradicts --cpu-quota and --cpu-period')
      }
      return withContext(command, async (ctx) => {
        await forEachTarget(names, async (name) => {
          if (changesPorts) await updatePorts(ctx, { name, add, remove })
          if (changesLimits) {
            await updateLimits(ctx, { name, limits, restartPolicy: flags.restart })
          }
          ctx.stdout.line(name)
        })
      })
    })
}

function limitsFrom(flags: UpdateFlags): Partial<ResourceLimits> {
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
