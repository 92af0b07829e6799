/**
 * `config.json` of a bundle, as far as tsctr writes it.
 *
 * Source: OCI runtime-spec §config.md, §config-linux.md
 */
export interface RuntimeSpec {
  readonly ociVersion: string
  readonly process: RuntimeProcess
  readonly root: { readonly path: string; readonly readonly: boolean }
  readonly hostname?: string
  /** In the order in which they are mounted. */
  readonly mounts: readonly RuntimeMount[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly linux: RuntimeLinux
}

export interface RuntimeProcess {
  readonly terminal: boolean
  readonly user: RuntimeUser
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly capabilities?: RuntimeCapabilities
  readonly rlimits?: readonly RuntimeRlimit[]
  readonly noNewPrivileges?: boolean
  readonly apparmorProfile?: string
  readonly oomScoreAdj?: number
}

export interface RuntimeUser {
  readonly uid: number
  readonly gid: number
  readonly additionalGids?: readonly number[]
  readonly umask?: number
}

export interface RuntimeCapabilities {
  readonly bounding: readonly string[]
  readonly effective?: readonly string[]
  readonly permitted?: readonly string[]
  readonly inheritable?: readonly string[]
  readonly ambient?: readonly string[]
}

export interface RuntimeRlimit {
  /** `RLIMIT_NOFILE` */
  readonly type: string
  readonly soft: bigint
  readonly hard: bigint
}

/** "No limit". Source: getrlimit(2) RLIM_INFINITY */
export const rlimitInfinity = (1n << 64n) - 1n

/** The bytes of `config.json`: limits are 64 bits wide, more than a JavaScript number holds. */
export function formatRuntimeSpec(spec: RuntimeSpec | RuntimeProcess): string {
  return JSON.stringify(spec, (_key, value: unknown) =>
    typeof value === 'bigint' ? rawJson.rawJSON(value.toString()) : value,
  )
}

// Node has it; TypeScript's library does not know it yet.
const rawJson = JSON as typeof JSON & { rawJSON(text: string): unknown }

export interface RuntimeMount {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

export interface RuntimeLinux {
  readonly namespaces: readonly RuntimeNamespace[]
  readonly cgroupsPath: string
  readonly devices: readonly RuntimeDevice[]
  readonly resources: RuntimeResources
  readonly sysctl?: Readonly<Record<string, string>>
  readonly rootfsPropagation?: string
  readonly maskedPaths?: readonly string[]
  readonly readonlyPaths?: readonly string[]
  readonly seccomp?: RuntimeSeccomp
}

export interface RuntimeNamespace {
  readonly type: 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup'
  /** An existing one; a new one is made without it. */
  readonly path?: string
}

export interface RuntimeDevice {
  readonly path: string
  readonly type: 'c' | 'b' | 'p'
  readonly major: number
  readonly minor: number
  readonly fileMode: number
  readonly uid: number
  readonly gid: number
}

export interface RuntimeDeviceRule {
  readonly allow: boolean
  readonly type?: 'a' | 'c' | 'b'
  readonly major?: number
  readonly minor?: number
  /** Of `r`, `w`, `m`. */
  readonly access: string
}

export interface RuntimeResources {
  readonly devices: readonly RuntimeDeviceRule[]
  readonly memory?: {
    readonly limit?: number
    readonly reservation?: number
    readonly swap?: number
    readonly swappiness?: number
    readonly disableOOMKiller?: boolean
  }
  readonly cpu?: {
    readonly shares?: number
    readonly quota?: number
    readonly period?: number
    readonly realtimeRuntime?: number
    readonly realtimePeriod?: number
    readonly cpus?: string
    readonly mems?: string
  }
  readonly pids?: { readonly limit: number }
  readonly blockIO?: RuntimeBlockIo
  /** Files of a cgroup v2 and what is written to them. */
  readonly unified?: Readonly<Record<string, string>>
}

/** Source: OCI runtime-spec §config-linux.md#block-io */
export interface RuntimeBlockIo {
  readonly weight?: number
  readonly weightDevice?: readonly (DeviceNumber & { readonly weight: number })[]
  readonly throttleReadBpsDevice?: readonly RuntimeThrottle[]
  readonly throttleWriteBpsDevice?: readonly RuntimeThrottle[]
  readonly throttleReadIOPSDevice?: readonly RuntimeThrottle[]
  readonly throttleWriteIOPSDevice?: readonly RuntimeThrottle[]
}

export interface DeviceNumber {
  readonly major: number
  readonly minor: number
}

export type RuntimeThrottle = DeviceNumber & { readonly rate: number }

export type SeccompAction =
  | 'SCMP_ACT_KILL'
  | 'SCMP_ACT_KILL_PROCESS'
  | 'SCMP_ACT_KILL_THREAD'
  | 'SCMP_ACT_TRAP'
  | 'SCMP_ACT_ERRNO'
  | 'SCMP_ACT_TRACE'
  | 'SCMP_ACT_ALLOW'
  | 'SCMP_ACT_LOG'

export type SeccompOperator =
  | 'SCMP_CMP_NE'
  | 'SCMP_CMP_LT'
  | 'SCMP_CMP_LE'
  | 'SCMP_CMP_EQ'
  | 'SCMP_CMP_GE'
  | 'SCMP_CMP_GT'
  | 'SCMP_CMP_MASKED_EQ'

export interface SeccompArgument {
  readonly index: number
  readonly value: number
  readonly valueTwo?: number
  readonly op: SeccompOperator
}

export interface SeccompSyscall {
  readonly names: readonly string[]
  readonly action: SeccompAction
  readonly errnoRet?: number
  /** All must hold. */
  readonly args?: readonly SeccompArgument[]
}

/** Source: OCI runtime-spec §config-linux.md#seccomp */
export interface RuntimeSeccomp {
  readonly defaultAction: SeccompAction
  readonly defaultErrnoRet?: number
  readonly architectures: readonly string[]
  readonly flags?: readonly string[]
  readonly syscalls: readonly SeccompSyscall[]
}
