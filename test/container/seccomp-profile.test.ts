import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { defaultSeccompProfile } from '../../src/container/seccomp-profile.ts'
import { resolveSeccomp } from '../../src/container/seccomp-resolve.ts'
import { ordinarySyscalls } from '../../src/container/seccomp-syscalls.ts'
import { defaultCapabilities } from '../../src/container/spec/capabilities.ts'
import type { SeccompArgument } from '../../src/oci/runtime-spec.ts'

const debianProfile = '/usr/share/containers/seccomp.json'
const needsDebianProfile = existsSync(debianProfile)
  ? false
  : 'needs golang-github-containers-common'

/** Allowed there and not here, by reason. */
const stricterThanDebian: Readonly<Record<string, readonly string[]>> = {
  'a new namespace opens kernel code that root alone reaches: docker asks for CAP_SYS_ADMIN': [
    ...['unshare', 'clone3', 'fsconfig', 'fsmount', 'fsopen', 'fspick', 'mount', 'mount_setattr'],
    ...['move_mount', 'open_tree', 'umount', 'umount2', 'pivot_root', 'setns'],
  ],
  'the kernel keyring belongs to no namespace': ['keyctl'],
  'docker asks for CAP_SYS_NICE, since memory policies slow others down': [
    ...['get_mempolicy', 'mbind', 'set_mempolicy'],
  ],
  'takes descriptors out of other processes: docker asks for CAP_SYS_PTRACE': ['pidfd_getfd'],
  'docker asks for CAP_SYS_BOOT': ['reboot'],
  'the log of the kernel is the host’s: docker asks for CAP_SYSLOG': ['syslog'],
  'calls any other by number, in its arguments, where a filter does not look': ['syscall'],
}

/** Allowed here and not there, by reason. */
const laxerThanDebian: Readonly<Record<string, readonly string[]>> = {
  'newer than Debian’s list, variants of calls that are allowed': [
    ...['cachestat', 'fchmodat2', 'futex_requeue', 'futex_wait', 'futex_waitv', 'futex_wake'],
    ...['getxattrat', 'listxattrat', 'removexattrat', 'setxattrat', 'io_pgetevents_time64'],
    ...['listmount', 'statmount', 'map_shadow_stack', 'mseal', 'uretprobe'],
  ],
  'docker allows it as it does the other calls of asynchronous input': ['io_pgetevents'],
  'docker allows it as it does splice and tee': ['vmsplice'],
}

/** Allowed in both, looking at arguments here: the arguments that pass. */
const narrowerThanDebian: Readonly<Record<string, readonly string[]>> = {
  // No CLONE_NEW… flag.
  clone: ['0 SCMP_CMP_MASKED_EQ 2114060288 0'],
  // Neither AF_ALG (38) nor AF_VSOCK (40).
  socket: ['0 SCMP_CMP_EQ 39 0', '0 SCMP_CMP_GT 40 0', '0 SCMP_CMP_LT 38 0'],
}

/** What the OCI form and Debian's have in common. */
interface Rule {
  readonly names: readonly string[]
  readonly action: string
  readonly args?: readonly SeccompArgument[] | null
}

interface DebianRule extends Rule {
  readonly includes: { readonly caps?: readonly string[]; readonly arches?: readonly string[] }
  readonly excludes: { readonly caps?: readonly string[]; readonly arches?: readonly string[] }
}

test('what it allows by default equals Debian’s profile, but for what is listed here', {
  skip: needsDebianProfile,
}, () => {
  const own = allowedBy(
    resolveSeccomp(defaultSeccompProfile, {
      capabilities: defaultCapabilities,
      architecture: 'amd64',
      kernel: { major: 6, minor: 1 },
    }).syscalls,
  )
  const debian = allowedBy(debianRules('amd64'))
  const only = (a: Allowed, b: Allowed): string[] => [...a.keys()].filter((name) => !b.has(name))

  assert.deepEqual(only(debian, own).sort(), listed(stricterThanDebian))
  assert.deepEqual(only(own, debian).sort(), listed(laxerThanDebian))
  for (const [name, conditions] of own) {
    if (!debian.has(name)) continue
    assert.deepEqual(conditions, narrowerThanDebian[name] ?? debian.get(name), name)
  }
  assert.deepEqual(debian.get('clone'), [''])
  assert.deepEqual(debian.get('socket'), [''])
})

test('io_uring is nowhere allowed', () => {
  const names = defaultSeccompProfile.syscalls.flatMap((rule) => rule.names)
  assert.deepEqual(
    names.filter((name) => name.startsWith('io_uring')),
    [],
  )
})

test('no name stands twice among the ordinary calls', () => {
  const names = Object.values(ordinarySyscalls).flat()
  assert.equal(new Set(names).size, names.length)
})

test('clone3 answers "no such call" until CAP_SYS_ADMIN allows it', () => {
  const rules = (capabilities: readonly string[]) =>
    resolveSeccomp(defaultSeccompProfile, {
      capabilities,
      architecture: 'arm64',
      kernel: { major: 6, minor: 1 },
    }).syscalls.filter(({ names }) => names.includes('clone3'))
  assert.deepEqual(rules([]), [{ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }])
  const granted = rules(['CAP_SYS_ADMIN'])
  assert.deepEqual(
    granted.map(({ action }) => action),
    ['SCMP_ACT_ALLOW'],
  )
})

test('the architectures follow the machine', () => {
  const architectures = (architecture: string): readonly string[] =>
    resolveSeccomp(defaultSeccompProfile, {
      capabilities: [],
      architecture,
      kernel: { major: 6, minor: 1 },
    }).architectures
  assert.deepEqual(architectures('amd64'), ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'])
  assert.deepEqual(architectures('arm64'), ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'])
  assert.deepEqual(architectures('riscv64'), [])
})

/** Name of a call → what its arguments must be, one text a rule; '' for anything. */
type Allowed = Map<string, string[]>

function allowedBy(rules: readonly Rule[]): Allowed {
  const allowed: Allowed = new Map()
  for (const { names, action, args } of rules) {
    if (action !== 'SCMP_ACT_ALLOW') continue
    const conditions = (args ?? [])
      .map(({ index, op, value, valueTwo }) => `${index} ${op} ${value} ${valueTwo}`)
      .join(' and ')
    for (const name of names) {
      allowed.set(name, [...new Set([...(allowed.get(name) ?? []), conditions])].sort())
    }
  }
  return allowed
}

/** Debian's rules that hold for the default capabilities. */
function debianRules(architecture: string): DebianRule[] {
  const { syscalls } = JSON.parse(readFileSync(debianProfile, 'utf8')) as { syscalls: DebianRule[] }
  const granted: readonly string[] = defaultCapabilities
  return syscalls.filter(({ includes, excludes }) => {
    const isIncluded =
      (includes.caps ?? []).every((cap) => granted.includes(cap)) &&
      (includes.arches ?? [architecture]).includes(architecture)
    const isExcluded =
      (excludes.caps ?? []).some((cap) => granted.includes(cap)) ||
      (excludes.arches ?? []).includes(architecture)
    return isIncluded && !isExcluded
  })
}

function listed(reasons: Readonly<Record<string, readonly string[]>>): string[] {
  return Object.values(reasons).flat().sort()
}
