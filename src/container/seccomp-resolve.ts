import type { RuntimeSeccomp, SeccompAction, SeccompSyscall } from '../oci/runtime-spec.ts'

/** A profile before it is known which machine and which capabilities it is for: docker's form. */
export interface SeccompProfile {
  readonly defaultAction: SeccompAction
  readonly defaultErrnoRet?: number | undefined
  /** Native architecture first, with those it also runs. */
  readonly archMap?: readonly SeccompArchitecture[] | undefined
  /** For every machine; the OCI form has this in place of archMap. */
  readonly architectures?: readonly string[] | undefined
  readonly flags?: readonly string[] | undefined
  readonly syscalls: readonly SeccompRule[]
}

export interface SeccompArchitecture {
  readonly architecture: string
  readonly subArchitectures: readonly string[]
}

export interface SeccompRule extends SeccompSyscall {
  /** The rule counts where all of these hold … */
  readonly includes?: SeccompCondition | undefined
  /** … and none of these. */
  readonly excludes?: SeccompCondition | undefined
}

export interface SeccompCondition {
  /** Includes: all of them granted. Excludes: any of them. */
  readonly caps?: readonly string[] | undefined
  /** Any of them: Go's names, `amd64`. */
  readonly arches?: readonly string[] | undefined
  /** `4.8` */
  readonly minKernel?: string | undefined
}

export interface SeccompFacts {
  /** The container's bounding set. */
  readonly capabilities: readonly string[]
  /** Go's name, `amd64`. */
  readonly architecture: string
  readonly kernel: KernelVersion
}

export interface KernelVersion {
  readonly major: number
  readonly minor: number
}

// Source: libseccomp's names for Go's architectures.
const architectureNames: ReadonlyMap<string, string> = new Map([
  ['amd64', 'SCMP_ARCH_X86_64'],
  ['386', 'SCMP_ARCH_X86'],
  ['arm64', 'SCMP_ARCH_AARCH64'],
  ['arm', 'SCMP_ARCH_ARM'],
  ['ppc64le', 'SCMP_ARCH_PPC64LE'],
  ['s390x', 'SCMP_ARCH_S390X'],
  ['riscv64', 'SCMP_ARCH_RISCV64'],
])

/** What a profile means for one container on this machine, as the runtime takes it. */
export function resolveSeccomp(profile: SeccompProfile, facts: SeccompFacts): RuntimeSeccomp {
  const { defaultErrnoRet, flags } = profile
  return {
    defaultAction: profile.defaultAction,
    ...(defaultErrnoRet === undefined ? {} : { defaultErrnoRet }),
    architectures: profile.architectures ?? architecturesFor(profile, facts),
    ...(flags === undefined || flags.length === 0 ? {} : { flags }),
    syscalls: profile.syscalls
      .filter((rule) => holdsAll(rule.includes, facts) && !holdsAny(rule.excludes, facts))
      .map(({ names, action, errnoRet, args }) => ({
        names,
        action,
        ...(errnoRet === undefined ? {} : { errnoRet }),
        ...(args === undefined || args.length === 0 ? {} : { args }),
      })),
  }
}

function architecturesFor(profile: SeccompProfile, facts: SeccompFacts): string[] {
  const native = architectureNames.get(facts.architecture)
  const entry = profile.archMap?.find(({ architecture }) => architecture === native)
  // An empty list means the native architecture alone.
  return entry === undefined ? [] : [entry.architecture, ...entry.subArchitectures]
}

function holdsAll(condition: SeccompCondition | undefined, facts: SeccompFacts): boolean {
  const { caps = [], arches = [], minKernel } = condition ?? {}
  return (
    caps.every((name) => facts.capabilities.includes(name)) &&
    (arches.length === 0 || arches.includes(facts.architecture)) &&
    (minKernel === undefined || isAtLeast(facts.kernel, minKernel))
  )
}

function holdsAny(condition: SeccompCondition | undefined, facts: SeccompFacts): boolean {
  const { caps = [], arches = [], minKernel } = condition ?? {}
  return (
    caps.some((name) => facts.capabilities.includes(name)) ||
    arches.includes(facts.architecture) ||
    (minKernel !== undefined && isAtLeast(facts.kernel, minKernel))
  )
}

function isAtLeast(kernel: KernelVersion, wanted: string): boolean {
  const [major = 0, minor = 0] = wanted.split('.').map(Number)
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor)
}
