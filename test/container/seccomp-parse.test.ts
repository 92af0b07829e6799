import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseSeccompProfile } from '../../src/container/seccomp-parse.ts'
import { resolveSeccomp, type SeccompFacts } from '../../src/container/seccomp-resolve.ts'
import { parseJsonObject } from '../../src/oci/json-document.ts'

const facts: SeccompFacts = {
  capabilities: ['CAP_CHOWN'],
  architecture: 'amd64',
  kernel: { major: 5, minor: 10 },
}

function parse(document: unknown) {
  return parseSeccompProfile(
    parseJsonObject(Buffer.from(JSON.stringify(document)), 'profile'),
    'profile',
  )
}

/** Which of the rules, each named after itself, hold. */
function held(rules: Readonly<Record<string, object>>, over: Partial<SeccompFacts> = {}): string[] {
  const syscalls = Object.entries(rules).map(([name, rule]) => ({
    names: [name],
    action: 'SCMP_ACT_ALLOW',
    ...rule,
  }))
  const profile = parse({ defaultAction: 'SCMP_ACT_ERRNO', syscalls })
  return resolveSeccomp(profile, { ...facts, ...over }).syscalls.flatMap(({ names }) => names)
}

test('conditions on capabilities, architectures and kernels decide which rules hold', () => {
  const rules = {
    always: {},
    with_chown: { includes: { caps: ['CAP_CHOWN'] } },
    with_both: { includes: { caps: ['CAP_CHOWN', 'CAP_KILL'] } },
    without_chown: { excludes: { caps: ['CAP_CHOWN', 'CAP_KILL'] } },
    on_amd64: { includes: { arches: ['arm64', 'amd64'] } },
    not_on_amd64: { excludes: { arches: ['amd64'] } },
    since_4_8: { includes: { minKernel: '4.8' } },
    since_5_11: { includes: { minKernel: '5.11' } },
    before_5_11: { excludes: { minKernel: '5.11' } },
  }
  const expected = ['always', 'with_chown', 'on_amd64', 'since_4_8', 'before_5_11']
  assert.deepEqual(held(rules), expected)
  assert.deepEqual(held(rules, { architecture: 'arm64', capabilities: [] }), [
    ...['always', 'without_chown', 'on_amd64', 'not_on_amd64', 'since_4_8', 'before_5_11'],
  ])
})

test('the OCI form keeps its architectures, docker’s form maps them', () => {
  const oci = parse({ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86'] })
  assert.deepEqual(resolveSeccomp(oci, facts).architectures, ['SCMP_ARCH_X86'])
  const docker = parse({
    defaultAction: 'SCMP_ACT_ALLOW',
    archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: null }],
  })
  assert.deepEqual(resolveSeccomp(docker, facts).architectures, ['SCMP_ARCH_X86_64'])
})

test('what the runtime does not know is not passed on', () => {
  const profile = parse({
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    defaultErrno: 'ENOSYS',
    syscalls: [
      { name: 'mkdir', action: 'SCMP_ACT_ERRNO', errnoRet: 1, errno: 'EPERM', comment: 'no' },
    ],
  })
  assert.deepEqual(resolveSeccomp(profile, facts), {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 38,
    architectures: [],
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
  })
})

test('docker’s form as Debian ships it is taken', {
  skip: existsSync('/usr/share/containers/seccomp.json')
    ? false
    : 'needs golang-github-containers-common',
}, () => {
  const bytes = readFileSync('/usr/share/containers/seccomp.json')
  const profile = parseSeccompProfile(parseJsonObject(bytes, 'Debian'), 'Debian')
  const { syscalls } = resolveSeccomp(profile, facts)
  const allowed = syscalls.filter(({ action }) => action === 'SCMP_ACT_ALLOW')
  assert.ok(allowed.flatMap(({ names }) => names).length > 300)
})

test('a profile that is not one is refused', () => {
  const rule = { names: ['x'], action: 'SCMP_ACT_ALLOW' }
  const arg = { index: 0, value: 0, op: 'SCMP_CMP_EQ' }
  const broken = [
    {},
    { defaultAction: 'SCMP_ACT_MAYBE' },
    { defaultAction: 'SCMP_ACT_ERRNO', syscalls: {} },
    { defaultAction: 'SCMP_ACT_ERRNO', syscalls: ['read'] },
    { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ ...rule, names: [] }] },
    { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ ...rule, names: [1] }] },
    { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ ...rule, action: 'toString' }] },
    { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ ...rule, args: [{ ...arg, op: '=' }] }] },
    {
      defaultAction: 'SCMP_ACT_ERRNO',
      syscalls: [{ ...rule, args: [{ ...arg, value: 2 ** 53 }] }],
    },
    { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ ...rule, args: [{ ...arg, value: -1 }] }] },
  ]
  for (const document of broken) {
    assert.throws(() => parse(document), { code: 'INVALID_ARGUMENT' }, JSON.stringify(document))
  }
})
