import type { HostFacts } from '../../host/host-facts.ts'
import { nilList, withOptional } from '../../oci/nil.ts'
import type { ContainerRecord } from '../../store/containers.ts'
import {
  asConfig,
  type BlockIoLimits,
  type ContainerConfig,
  type DeviceRule,
  type DeviceValue,
} from '../config.ts'
import { modeName } from '../networks/attachments.ts'
import { hasCgroupNamespace } from '../spec/cgroup-namespace.ts'
import { guardedPaths } from '../spec/guarded-paths.ts'
import { inspectBinds, inspectMountRequests, inspectTmpfs } from './mounts.ts'
import { inspectPortBindings } from './ports.ts'

const defaultShmBytes = 64 * 1024 * 1024

/** Docker lists them everywhere. */
const windowsResources = { CpuCount: 0, CpuPercent: 0, IOMaximumIOps: 0, IOMaximumBandwidth: 0 }

/** How the container is tied to the machine. Source: docker Engine API "HostConfig"; podman inspect for CgroupConf */
export function inspectHostConfig(record: ContainerRecord, facts: HostFacts): object {
  const config = asConfig(record.config)
  const { maskedPaths, readonlyPaths } = guardedPaths(config)
  const unguarded = config.privileged ? nilList : []
  const shown = {
    Binds: inspectBinds(config),
    ContainerIDFile: config.idFile ?? '',
    LogConfig: logConfig(config),
    NetworkMode: modeName(config),
    PortBindings: inspectPortBindings(config.ports ?? []),
    RestartPolicy: {
      Name: config.restartPolicy?.name ?? 'no',
      MaximumRetryCount: config.restartPolicy?.maximumRetries ?? 0,
    },
    AutoRemove: config.autoRemove,
    VolumeDriver: '',
    VolumesFrom: orNil(config.volumesFrom ?? []),
    ConsoleSize: [0, 0],
    CapAdd: orNil(config.capAdd),
    CapDrop: orNil(config.capDrop),
    CgroupnsMode: hasCgroupNamespace({ config, facts }) ? 'private' : 'host',
    Dns: config.dns?.servers ?? [],
    DnsOptions: config.dns?.options ?? [],
    DnsSearch: config.dns?.search ?? [],
    ExtraHosts: orNil((config.extraHosts ?? []).map(({ name, address }) => `${name}:${address}`)),
    GroupAdd: orNil(config.groupAdd),
    IpcMode: config.ipcMode,
    Cgroup: '',
    Links: nilList,
    OomScoreAdj: config.resources.oomScoreAdj ?? 0,
    PidMode: config.pidMode === 'private' ? '' : config.pidMode,
    Privileged: config.privileged,
    PublishAllPorts: config.publishesAll ?? false,
    ReadonlyRootfs: config.readOnly,
    SecurityOpt: securityOptions(config),
    UTSMode: config.utsMode === 'host' ? 'host' : '',
    UsernsMode: config.usernsMode ?? '',
    ShmSize: config.shmSizeBytes ?? defaultShmBytes,
    Runtime: record.runtime.name,
    Isolation: '',
    ...resources(config, facts),
    MaskedPaths: maskedPaths ?? unguarded,
    ReadonlyPaths: readonlyPaths ?? unguarded,
  }
  return withOptional(shown, {
    CgroupConf: [mapOf(config.resources.cgroupFiles ?? {}), {}],
    Annotations: [mapOf(config.annotations), {}],
    Mounts: [inspectMountRequests(config), nilList],
    StorageOpt: [undefined, {}],
    Sysctls: [mapOf(config.sysctls), {}],
    Tmpfs: [inspectTmpfs(config), {}],
    Init: [config.init || undefined, null],
  })
}

function logConfig({ log }: ContainerConfig): object {
  const options = new Map(Object.entries(log?.givenOptions ?? {}))
  return { Type: log?.givenDriver ?? 'k8s-file', Config: options }
}

/**
 * As typed, with what docker adds where a label would be of no use, and without the option that it
 * shows as empty lists of paths.
 */
function securityOptions({ security, privileged, pidMode, ipcMode }: ContainerConfig) {
  const given = security.given.filter((text) => !text.startsWith('systempaths'))
  const sharesWithHost = privileged || pidMode === 'host' || ipcMode === 'host'
  const isUnlabelled = sharesWithHost && !given.some((text) => /^label[=:]/.test(text))
  return orNil(isUnlabelled ? [...given, 'label=disable'] : given)
}

/** Source: docker Engine API "Resources" */
function resources({ resources: limits, ...config }: ContainerConfig, facts: HostFacts): object {
  return {
    CpuShares: limits.cpuShares ?? 0,
    Memory: limits.memoryBytes ?? 0,
    NanoCpus: limits.nanoCpus ?? 0,
    CgroupParent: config.cgroupParent ?? '',
    ...blockIo(limits.blockIo),
    CpuPeriod: limits.cpuPeriodUs ?? 0,
    CpuQuota: limits.cpuQuotaUs ?? 0,
    CpuRealtimePeriod: limits.realtimePeriodUs ?? 0,
    CpuRealtimeRuntime: limits.realtimeRuntimeUs ?? 0,
    CpusetCpus: limits.cpusetCpus ?? '',
    CpusetMems: limits.cpusetMems ?? '',
    Devices: config.devices.map(({ hostPath, containerPath, access }) => ({
      PathOnHost: hostPath,
      PathInContainer: containerPath,
      CgroupPermissions: access,
    })),
    DeviceCgroupRules: orNil((config.deviceRules ?? []).map(deviceRuleText)),
    DeviceRequests: nilList,
    MemoryReservation: limits.memoryReservationBytes ?? 0,
    MemorySwap: limits.memorySwapBytes ?? impliedSwap(limits.memoryBytes, facts),
    MemorySwappiness: limits.memorySwappiness ?? null,
    OomKillDisable: facts.cgroup.mode === 'v2' ? null : limits.isOomKillDisabled,
    PidsLimit: limits.pidsLimit ?? null,
    Ulimits: config.ulimits.map(({ name, soft, hard }) => ({ Name: name, Hard: hard, Soft: soft })),
    ...windowsResources,
  }
}

function blockIo(limits: BlockIoLimits | undefined): object {
  const list = (values: readonly DeviceValue[] | undefined, key: 'Rate' | 'Weight'): object[] =>
    (values ?? []).map(({ path, value }) => ({ Path: path, [key]: value }))
  return {
    BlkioWeight: limits?.weight ?? 0,
    BlkioWeightDevice: list(limits?.deviceWeights, 'Weight'),
    BlkioDeviceReadBps: list(limits?.readBps, 'Rate'),
    BlkioDeviceWriteBps: list(limits?.writeBps, 'Rate'),
    BlkioDeviceReadIOps: list(limits?.readIops, 'Rate'),
    BlkioDeviceWriteIOps: list(limits?.writeIops, 'Rate'),
  }
}

function deviceRuleText({ type, major, minor, access }: DeviceRule): string {
  return `${type} ${major ?? '*'}:${minor ?? '*'} ${access}`
}

/** As much swap as memory, where the kernel counts it. */
function impliedSwap(memoryBytes: number | undefined, { cgroup }: HostFacts): number {
  return memoryBytes === undefined || !cgroup.hasSwapLimit ? 0 : memoryBytes * 2
}

function orNil(list: readonly string[]): readonly string[] {
  return list.length === 0 ? nilList : list
}

function mapOf(record: Readonly<Record<string, string>>): ReadonlyMap<string, string> | undefined {
  const entries = Object.entries(record)
  return entries.length === 0 ? undefined : new Map(entries)
}
