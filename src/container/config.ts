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
  /** `NAME=value`, files first; later ones win. */
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
  readonly autoRemove: boolean
  /** undefined: `no`. */
  readonly restartPolicy?: RestartPolicy | undefined
  /** undefined: k8s-file without limits. */
  readonly log?: LogConfig | undefined

  readonly hostname?: string | undefined
  readonly domainname?: string | undefined
  readonly networkMode: NetworkMode
  readonly pidMode: 'private' | 'host'
  readonly ipcMode: 'private' | 'host' | 'none'
  readonly utsMode: 'private' | 'host'
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

export type NetworkMode = 'bridge' | 'host' | 'none'

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
}

export type Propagation = 'private' | 'rprivate' | 'shared' | 'rshared' | 'slave' | 'rslave'

export interface TmpfsMount {
  readonly type: 'tmpfs'
  readonly target: string
  /** `size=64m`, `exec` … over docker's noexec, nosuid, nodev. */
  readonly options: readonly string[]
}

export interface DeviceMapping {
  readonly hostPath: string
  readonly containerPath: string
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
}
