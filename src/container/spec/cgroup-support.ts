import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { TsctrError } from '../../errors.ts'
import type { HostFacts } from '../../host/host-facts.ts'
import type { BlockIoLimits, ContainerConfig } from '../config.ts'
import { cgroupParentOf } from './cgroups-path.ts'

const root = '/sys/fs/cgroup'

/**
 * @throws  UNSUPPORTED where no scheduler of this kernel's shares a disk's time by weight
 * Source: linux/Documentation/block/bfq-iosched.rst
 */
export function requireBlockWeight(
  limits: BlockIoLimits | undefined,
  { cgroup }: Pick<HostFacts, 'cgroup'>,
): void {
  const flag = limits?.weight
    ? '--blkio-weight'
    : limits?.deviceWeights.length
      ? '--blkio-weight-device'
      : undefined
  if (flag === undefined) return
  if (cgroup.mode === 'v2' ? hasWeightOnV2() : hasWeightOnV1()) return
  throw new TsctrError('UNSUPPORTED', `${flag}: this kernel does not share disks by weight`, {
    hint: 'modprobe bfq, or limit with --device-read-bps and the like',
  })
}

/** The root has no weight itself; the statistics of the scheduler that has weights stand there. */
function hasWeightOnV1(): boolean {
  return namesIn(`${root}/blkio`).some((name) => /^blkio\.(weight|bfq\.)/.test(name))
}

/** A cgroup without files of the controller tells nothing. */
function hasWeightOnV2(): boolean {
  const files = namesIn(root).flatMap((name) => namesIn(`${root}/${name}`))
  return !files.includes('io.stat') || files.some((name) => /^io\.(bfq\.)?weight$/.test(name))
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    // Files, and cgroups that have gone.
    return []
  }
}

/**
 * Time for realtime tasks is handed down from cgroup to cgroup, and only the administrator can say
 * how much; the runtime would fail with "invalid argument".
 *
 * @throws  FAILED_PRECONDITION if the parent has none to give, UNSUPPORTED if the kernel knows none
 * Source: linux/Documentation/scheduler/sched-rt-group.rst
 */
export function requireRealtimeBudget(
  config: ContainerConfig,
  { cgroup }: Pick<HostFacts, 'cgroup'>,
): void {
  const { realtimeRuntimeUs } = config.resources
  if (realtimeRuntimeUs === undefined || realtimeRuntimeUs === 0 || cgroup.mode === 'v2') return
  if (!existsSync(`${root}/cpu/cpu.rt_runtime_us`)) {
    throw new TsctrError('UNSUPPORTED', '--cpu-rt-runtime: this kernel has no realtime groups')
  }
  const directory = `${root}/cpu${cgroupParentOf(config)}`
  const file = `${directory}/cpu.rt_runtime_us`
  if (existsSync(file) && Number(readFileSync(file, 'ascii')) !== 0) return
  const message = `--cpu-rt-runtime ${realtimeRuntimeUs}: the cgroup ${cgroupParentOf(config)} has no realtime to give`
  throw new TsctrError('FAILED_PRECONDITION', message, {
    hint: `mkdir -p ${directory} && echo 950000 > ${file}`,
  })
}
