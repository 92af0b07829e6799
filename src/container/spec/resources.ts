import { TsctrError } from '../../errors.ts'
import type { HostFacts } from '../../host/host-facts.ts'
import type { RuntimeResources } from '../../oci/runtime-spec.ts'
import type { ContainerConfig, ResourceLimits } from '../config.ts'
import { buildBlockIo } from './block-io.ts'
import { deviceRules } from './devices.ts'

const cpuPeriodUs = 100_000

/** What the container's cgroup allows. Source: OCI runtime-spec §config-linux.md#control-groups */
export function buildResources(
  config: ContainerConfig,
  facts: Pick<HostFacts, 'cgroup'>,
): RuntimeResources {
  const memory = buildMemory(config.resources, facts)
  const cpu = buildCpu(config.resources, facts)
  const blockIO = buildBlockIo(config.resources.blockIo)
  const { pidsLimit, cgroupFiles } = config.resources
  if (cgroupFiles !== undefined && facts.cgroup.mode !== 'v2') {
    throw new TsctrError('UNSUPPORTED', '--cgroup-conf: this host has no cgroup v2')
  }
  return {
    devices: deviceRules(config),
    ...(Object.keys(memory).length === 0 ? {} : { memory }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    // 0 and -1 both mean no limit, which is what saying nothing means.
    ...(pidsLimit === undefined || pidsLimit <= 0 ? {} : { pids: { limit: pidsLimit } }),
    ...(blockIO === undefined ? {} : { blockIO }),
    ...(cgroupFiles === undefined ? {} : { unified: cgroupFiles }),
  }
}

type Memory = NonNullable<RuntimeResources['memory']>
type Cpu = NonNullable<RuntimeResources['cpu']>

function buildMemory(limits: ResourceLimits, { cgroup }: Pick<HostFacts, 'cgroup'>): Memory {
  const { memoryBytes, memoryReservationBytes, memorySwappiness, isOomKillDisabled } = limits
  if (cgroup.mode === 'v2') {
    if (memorySwappiness !== undefined) throw onlyOnV1('--memory-swappiness')
    if (isOomKillDisabled) throw onlyOnV1('--oom-kill-disable')
  }
  if (limits.memorySwapBytes !== undefined && !cgroup.hasSwapLimit) {
    throw new TsctrError('UNSUPPORTED', '--memory-swap: this kernel does not count swap')
  }
  // As much swap as memory again, unless said otherwise.
  const bothBytes =
    limits.memorySwapBytes ?? (memoryBytes === undefined ? undefined : memoryBytes * 2)
  return {
    ...(memoryBytes === undefined ? {} : { limit: memoryBytes }),
    ...(memoryReservationBytes === undefined ? {} : { reservation: memoryReservationBytes }),
    ...(bothBytes === undefined || !cgroup.hasSwapLimit ? {} : { swap: bothBytes }),
    ...(memorySwappiness === undefined ? {} : { swappiness: memorySwappiness }),
    ...(isOomKillDisabled ? { disableOOMKiller: true } : {}),
  }
}

function buildCpu(limits: ResourceLimits, { cgroup }: Pick<HostFacts, 'cgroup'>): Cpu {
  const { nanoCpus, cpuShares, realtimePeriodUs, realtimeRuntimeUs } = limits
  const { cpusetCpus, cpusetMems } = limits
  if (cgroup.mode === 'v2') {
    if (realtimePeriodUs !== undefined) throw onlyOnV1('--cpu-rt-period')
    if (realtimeRuntimeUs !== undefined) throw onlyOnV1('--cpu-rt-runtime')
  }
  const quota =
    nanoCpus === undefined ? limits.cpuQuotaUs : Math.round((nanoCpus / 1e9) * cpuPeriodUs)
  const period = nanoCpus === undefined ? limits.cpuPeriodUs : cpuPeriodUs
  return {
    ...(cpuShares === undefined ? {} : { shares: cpuShares }),
    ...(quota === undefined ? {} : { quota }),
    ...(period === undefined ? {} : { period }),
    ...(realtimeRuntimeUs === undefined ? {} : { realtimeRuntime: realtimeRuntimeUs }),
    ...(realtimePeriodUs === undefined ? {} : { realtimePeriod: realtimePeriodUs }),
    ...(cpusetCpus === undefined ? {} : { cpus: cpusetCpus }),
    ...(cpusetMems === undefined ? {} : { mems: cpusetMems }),
  }
}

function onlyOnV1(flag: string): TsctrError {
  return new TsctrError(
    'UNSUPPORTED',
    `${flag}: this host has cgroup v2, which knows no such thing`,
  )
}
