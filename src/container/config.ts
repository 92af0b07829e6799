import type { PortRequest } from '../network/allocate-ports.ts'
import type { SeccompProfile } from './seccomp-resolve.ts'

/**
 * A container as asked: flags and arguments, read and checked, before anything of the image or the
 * machine is known. Stored as JSON in the container's record, so it holds plain values only, and
 * `start` builds the runtime spec from it anew each time. A key that is undefined was not given.
 */
export interface ContainerConfig {
  /** As typed; empty with `rootfs`. */
  readonly image: string
  /** Absolute path of an unpacked root filesystem that is used in place of an image. */
  readonly rootfs?: string | undefined
  readonly name?: string | undefined
  readonly platform?: string | undefined
  /** The whole command line that made it. */
  readonly createCommand: readonly string[]
  /** What that command was to join to its own stdio; for inspect. */
  readonly attaches?: readonly ('stdin' | 'stdout' | 'stderr')[] | undefined
  /** Where it wrote the id, `--cidfile`; for inspect. */
  readonly idFile?: string | undefined

  /** undefined: the image's. Given, the image's Cmd is dropped too; empty clears. */
  readonly entrypoint?: readonly string[] | undefined
  /** What follows the image on the command line; empty: the image's Cmd. */
  readonly command: readonly string[]
  /** `NAME=value`, files first; later ones win. `NAME` alone takes the image's out. */
  readonly env: readonly string[]
  readonly workdir?: string | undefined
  /** `user[:group]`, names or numbers. */
  readonly user?: string | undefined
  readonly groupAdd: readonly string[]
  readonly umask?: number | undefined
  readonly tty: boolean
  readonly openStdin: boolean
  /** A small first process that reaps children and passes signals on. */
  readonly init: boolean
  readonly initBinary?: string | undefined
  readonly stopSignal?: string | undefined
  readonly stopTimeoutS?: number | undefined
  /** Killed when it has run for so long. */
  readonly timeoutS?: number | undefined
  readonly autoRemove: boolean
  /** undefined: `no`. */
  readonly restartPolicy?: RestartPolicy | undefined
  /** undefined: k8s-file without limits. */
  readonly log?: LogConfig | undefined
  /** Flags alone, until `create` has put them over the image's. */
  readonly healthcheck?: Healthcheck | undefined

  readonly hostname?: string | undefined
  readonly domainname?: string | undefined
  readonly networkMode: NetworkMode
  readonly dns?: DnsOptions | undefined
  /** `--add-host`, in order. */
  readonly extraHosts?: readonly ExtraHost[] | undefined
  readonly pidMode: 'private' | 'host' | PeerMode
  readonly ipcMode: 'private' | 'shareable' | 'host' | 'none' | PeerMode
  /** With `bridge`: in the order of interfaces; undefined: the default network alone. */
  readonly networks?: readonly NetworkAttachment[] | undefined
  /** Ports to publish, in order. */
  readonly ports?: readonly PortRequest[] | undefined
  /** Publish all that is exposed, `-P`. */
  readonly publishesAll?: boolean | undefined
  /** `80/tcp`, besides what the image exposes. */
  readonly exposedPorts?: readonly string[] | undefined
  readonly utsMode: 'private' | 'host'
  /** undefined: as `host`, for there is no other so far. */
  readonly usernsMode?: 'host' | undefined
  /** undefined: private on cgroup v2, the host's on v1. */
  readonly cgroupnsMode?: 'private' | 'host' | undefined
  readonly cgroupParent?: string | undefined

  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>

  readonly mounts: readonly ConfiguredMount[]
  /** As typed, `NAME[:ro]`; `create` adds the mounts of these containers to `mounts`. */
  readonly volumesFrom?: readonly string[] | undefined
  readonly readOnly: boolean
  readonly shmSizeBytes?: number | undefined
  readonly devices: readonly DeviceMapping[]
  /** Devices that may be used besides those that are there; `--device-cgroup-rule`. */
  readonly deviceRules?: readonly DeviceRule[] | undefined

  readonly privileged: boolean
  /** Full names (`CAP_CHOWN`) or `ALL`. */
  readonly capAdd: readonly string[]
  readonly capDrop: readonly string[]
  readonly security: SecurityOptions
  readonly sysctls: Readonly<Record<string, string>>
  readonly ulimits: readonly Ulimit[]
  readonly resources: ResourceLimits
}

/** The config in a container's record: written by this program, so its shape is taken as read. */
export function asConfig(stored: unknown): ContainerConfig {
  return stored as ContainerConfig
}

export type LogDriver = 'k8s-file' | 'journald' | 'none'

export interface LogConfig {
  readonly driver: LogDriver
  /** As typed, for inspect. */
  readonly givenDriver: string
  readonly givenOptions: Readonly<Record<string, string>>
  /** Absolute path of a log in place of the one among the container's files. */
  readonly path?: string | undefined
  /** When a file has this size, the next is begun. */
  readonly maxSizeBytes?: number | undefined
  /** Files kept, the one that is written to counted. */
  readonly maxFiles: number
}

export interface RestartPolicy {
  readonly name: 'no' | 'on-failure' | 'always' | 'unless-stopped'
  /** With on-failure; 0 for no limit. */
  readonly maximumRetries: number
}

/** Whether the container is started again under some condition. */
export function isRestarted({ restartPolicy }: Pick<ContainerConfig, 'restartPolicy'>): boolean {
  return restartPolicy !== undefined && restartPolicy.name !== 'no'
}

/**
 * A namespace of another container's. A name as typed until the container is made, its id from then
 * on.
 */
export type PeerMode = `container:${string}`

export type NetworkMode = 'bridge' | 'host' | 'none' | PeerMode | NamespacePathMode

/** A network namespace on the host that somebody else has made, by an absolute path. */
export type NamespacePathMode = `ns:/${string}`

/** The container that a mode joins, a name or an id; undefined for modes without one. */
export function peerOf(mode: string): string | undefined {
  return mode.startsWith('container:') ? mode.slice('container:'.length) : undefined
}

/** The path of an `ns:` mode. */
export function namespacePathOf(mode: string): string | undefined {
  return mode.startsWith('ns:') ? mode.slice('ns:'.length) : undefined
}

export interface DnsOptions {
  /** Addresses. */
  readonly servers: readonly string[]
  /** Domains; a single dot for none at all. */
  readonly search: readonly string[]
  readonly options: readonly string[]
}

export interface ExtraHost {
  readonly name: string
  /** An IP address, or `host-gateway` for the address under which the host is reached. */
  readonly address: string
}

export interface NetworkAttachment {
  readonly name: string
  /** Names there besides the container's own. */
  readonly aliases: readonly string[]
  /** undefined: any that is free. */
  readonly address?: string | undefined
  readonly address6?: string | undefined
  readonly macAddress?: string | undefined
}

/** How to see whether the program in the container does its work; what is undefined is docker's default. */
export interface Healthcheck {
  /** `NONE`, or `CMD` and its arguments, or `CMD-SHELL` and one command line; empty: the image's. */
  readonly test: readonly string[]
  readonly intervalNs?: number | undefined
  readonly timeoutNs?: number | undefined
  readonly startPeriodNs?: number | undefined
  /** Between checks while it starts. */
  readonly startIntervalNs?: number | undefined
  readonly retries?: number | undefined
}

export type ConfiguredMount = BindMount | VolumeMount | TmpfsMount

export interface BindMount {
  readonly type: 'bind'
  /** Absolute path on the host. */
  readonly source: string
  /** Absolute path in the container. */
  readonly target: string
  readonly isReadOnly: boolean
  readonly propagation: Propagation
  /** Mounts below the source come along. */
  readonly isRecursive: boolean
  /** How far read-only reaches: mounts below too, where the kernel can; the top only; or no less. */
  readonly readOnlyReach: 'best' | 'top' | 'all'
  /** From `-v`: a source that is missing is made, an empty directory. */
  readonly createsSource: boolean
  /** Relabel for SELinux: `z` or `Z`. */
  readonly relabel?: 'shared' | 'private' | undefined
}

export interface VolumeMount {
  readonly type: 'volume'
  /** Before `create` has given one to an anonymous volume: undefined. */
  readonly name?: string | undefined
  readonly isAnonymous: boolean
  readonly target: string
  readonly isReadOnly: boolean
  /** An empty volume stays empty, whatever the image has there. */
  readonly isNotFilled: boolean
  /** From `-v`, for inspect; else from --mount, --volumes-from or the image. */
  readonly isFromVolumeFlag: boolean
  /** Relabel for SELinux: `z` or `Z`. */
  readonly relabel?: 'shared' | 'private' | undefined
  /** What of it is mounted, relative; undefined for all. */
  readonly subpath?: string | undefined
  /** If the volume is made for the container: the driver's options, and labels. */
  readonly driverOptions?: Readonly<Record<string, string>> | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
}

export type Propagation = 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave'

export interface TmpfsMount {
  readonly type: 'tmpfs'
  readonly target: string
  /** `size=64m`, `exec` … over docker's noexec, nosuid, nodev. */
  readonly options: readonly string[]
  /** From `--mount`, for inspect; else from `--tmpfs`. */
  readonly isFromMountFlag?: boolean | undefined
}

export interface DeviceMapping {
  readonly hostPath: string
  readonly containerPath: string
  /** Of `r`, `w`, `m`. */
  readonly access: string
}

export interface DeviceRule {
  readonly type: 'a' | 'b' | 'c'
  /** undefined: any. */
  readonly major?: number | undefined
  readonly minor?: number | undefined
  /** Of `r`, `w`, `m`. */
  readonly access: string
}

export interface SecurityOptions {
  /** As typed, for inspect. */
  readonly given: readonly string[]
  readonly seccomp: 'default' | 'unconfined' | SeccompProfile
  readonly apparmorProfile?: string | undefined
  readonly noNewPrivileges: boolean
  readonly isSystempathsUnconfined: boolean
  readonly isWritableCgroups: boolean
  /** `--privileged` gives no devices of the host. */
  readonly isWithoutHostDevices?: boolean | undefined
  /** For SELinux, without `label=`. */
  readonly labels?: readonly string[] | undefined
}

export interface Ulimit {
  /** Lower case, `nofile`. */
  readonly name: string
  /** -1 for unlimited, in both. */
  readonly soft: number
  readonly hard: number
}

export interface ResourceLimits {
  /** Billionths of a CPU. */
  readonly nanoCpus?: number | undefined
  readonly cpuShares?: number | undefined
  readonly cpuQuotaUs?: number | undefined
  readonly cpuPeriodUs?: number | undefined
  readonly realtimePeriodUs?: number | undefined
  readonly realtimeRuntimeUs?: number | undefined
  readonly cpusetCpus?: string | undefined
  readonly cpusetMems?: string | undefined
  readonly memoryBytes?: number | undefined
  readonly memoryReservationBytes?: number | undefined
  /** Memory and swap together; -1 for unlimited. */
  readonly memorySwapBytes?: number | undefined
  readonly memorySwappiness?: number | undefined
  readonly pidsLimit?: number | undefined
  readonly oomScoreAdj?: number | undefined
  readonly isOomKillDisabled: boolean
  readonly blockIo?: BlockIoLimits | undefined
  /** Files of the container's cgroup, on v2, and what is written to them. */
  readonly cgroupFiles?: Readonly<Record<string, string>> | undefined
}

export interface BlockIoLimits {
  /** 10 to 1000; undefined or 0 for the parent's. */
  readonly weight?: number | undefined
  readonly deviceWeights: readonly DeviceValue[]
  /** Bytes a second. */
  readonly readBps: readonly DeviceValue[]
  readonly writeBps: readonly DeviceValue[]
  /** Operations a second. */
  readonly readIops: readonly DeviceValue[]
  readonly writeIops: readonly DeviceValue[]
}

/** A number for one block device. */
export interface DeviceValue {
  /** Absolute path on the host. */
  readonly path: string
  readonly value: number
}
