import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { BindMount } from '../../../src/container/config.ts'
import type { HostFacts } from '../../../src/host/host-facts.ts'
import { capabilityNames } from '../../../src/oci/capability.ts'
import { type Bundle, imageProcess, makeBundle, plainSecurity } from './fixture.ts'

const facts: HostFacts = {
  cgroup: { mode: 'v2', hasSwapLimit: true },
  hasAppArmor: false,
  hasSeccomp: true,
  hasSelinux: false,
  hasIpv6: true,
  capabilities: capabilityNames,
  kernel: { major: 6, minor: 1 },
  architecture: 'amd64',
}

let bundle: Bundle

before(() => {
  bundle = makeBundle(facts)
})

after(() => bundle[Symbol.dispose]())

function bind(source: string, target: string, over: Partial<BindMount> = {}): BindMount {
  return {
    type: 'bind',
    source,
    target,
    isReadOnly: false,
    propagation: 'rprivate',
    isRecursive: true,
    readOnlyReach: 'best',
    createsSource: false,
    ...over,
  }
}

test('what was not asked for is not in the spec', () => {
  const { process, linux, annotations } = bundle.spec({})
  assert.deepEqual(
    [process.rlimits, process.oomScoreAdj, process.noNewPrivileges, process.apparmorProfile],
    [undefined, undefined, undefined, undefined],
  )
  assert.deepEqual([annotations, linux.rootfsPropagation], [undefined, undefined])
  assert.deepEqual(Object.keys(linux.resources), ['devices'])
})

test('a private cgroup namespace on v2, the host’s on v1, unless said', () => {
  const types = (config: object, over?: HostFacts) =>
    bundle
      .spec(config, over === undefined ? {} : { facts: over })
      .linux.namespaces.map((n) => n.type)
  const onV1: HostFacts = { ...facts, cgroup: { mode: 'hybrid', hasSwapLimit: false } }
  assert.deepEqual(types({}), ['mount', 'pid', 'ipc', 'uts', 'network', 'cgroup'])
  assert.deepEqual(types({}, onV1), ['mount', 'pid', 'ipc', 'uts', 'network'])
  assert.ok(types({ cgroupnsMode: 'private' }, onV1).includes('cgroup'))
  assert.ok(!types({ cgroupnsMode: 'host' }).includes('cgroup'))
})

test('the network namespace is the host’s, a prepared one, or a new one', () => {
  const network = (over: Parameters<Bundle['spec']>[1]) =>
    bundle.spec({}, over).linux.namespaces.find(({ type }) => type === 'network')
  assert.deepEqual(network({ network: 'none' }), { type: 'network' })
  assert.deepEqual(network({ network: { path: '/run/netns/x' } }), {
    type: 'network',
    path: '/run/netns/x',
  })
  assert.equal(network({ network: 'host' }), undefined)
})

test('shared namespaces: no new one, nothing set in it', () => {
  const { linux, hostname } = bundle.spec(
    { pidMode: 'host', ipcMode: 'host', utsMode: 'host' },
    { network: 'host' },
  )
  assert.deepEqual(
    linux.namespaces.map(({ type }) => type),
    ['mount', 'cgroup'],
  )
  assert.equal(hostname, undefined)
  assert.equal(linux.sysctl, undefined)
})

test('a setting of a shared namespace is refused', () => {
  const refused = { code: 'INVALID_ARGUMENT', message: /would change the host/ }
  const sysctls = { 'net.core.somaxconn': '1' }
  assert.throws(() => bundle.spec({ sysctls }, { network: 'host' }), refused)
  assert.throws(() => bundle.spec({ ipcMode: 'host', sysctls: { 'kernel.msgmax': '1' } }), refused)
  assert.equal(bundle.spec({ sysctls }).linux.sysctl?.['net.core.somaxconn'], '1')
})

test('what only one version of cgroups has goes to it and is refused by the other', () => {
  const onV1: HostFacts = { ...facts, cgroup: { mode: 'v1', hasSwapLimit: false } }
  const cgroupFiles = { 'memory.high': '64M' }
  const realtime = { realtimePeriodUs: 500_000, realtimeRuntimeUs: 2000 }
  const built = (over: object, machine: HostFacts) =>
    bundle.spec({ resources: { isOomKillDisabled: false, ...over } }, { facts: machine }).linux
      .resources
  assert.deepEqual(built({ cgroupFiles }, facts).unified, cgroupFiles)
  assert.deepEqual(built(realtime, onV1).cpu, { realtimePeriod: 500_000, realtimeRuntime: 2000 })
  assert.throws(() => built({ cgroupFiles }, onV1), /--cgroup-conf: this host has no cgroup v2/)
  for (const [key, flag] of [
    ['realtimePeriodUs', '--cpu-rt-period'],
    ['realtimeRuntimeUs', '--cpu-rt-runtime'],
  ] as const) {
    const message = `${flag}: this host has cgroup v2, which knows no such thing`
    assert.throws(() => built({ [key]: 1000 }, facts), { code: 'UNSUPPORTED', message })
  }
})

test('the namespaces of other containers are joined, and nothing is set in them', () => {
  const peer = 'container:0123'
  const { linux, mounts } = bundle.spec(
    { pidMode: peer, ipcMode: peer, networkMode: peer },
    {
      network: { path: '/proc/7/ns/net', isForeign: true },
      peers: { pid: '/proc/7/ns/pid', ipc: '/proc/7/ns/ipc' },
      sharedMemory: '/run/shm-of-7',
    },
  )
  assert.deepEqual(
    linux.namespaces.filter(({ path }) => path !== undefined),
    [
      { type: 'pid', path: '/proc/7/ns/pid' },
      { type: 'ipc', path: '/proc/7/ns/ipc' },
      { type: 'network', path: '/proc/7/ns/net' },
    ],
  )
  assert.equal(linux.sysctl, undefined)
  assert.equal(
    mounts.find(({ destination }) => destination === '/dev/shm')?.source,
    '/run/shm-of-7',
  )
  const sysctls = { 'kernel.msgmax': '1' }
  assert.throws(
    () => bundle.spec({ ipcMode: peer, sysctls }),
    /kernel.msgmax: would change others too/,
  )
})

test('mounts stand parents first, a mount of the user’s in place of a usual one', () => {
  const { mounts } = bundle.spec({
    mounts: [bind('/srv', '/etc/hosts'), bind('/srv', '/a/b/c'), bind('/srv', '/a')],
  })
  const targets = mounts.map(({ destination }) => destination)
  assert.equal(targets.filter((path) => path === '/etc/hosts').length, 1)
  assert.equal(mounts.find(({ destination }) => destination === '/etc/hosts')?.source, '/srv')
  assert.ok(targets.indexOf('/a') < targets.indexOf('/a/b/c'))
  assert.ok(targets.indexOf('/dev') < targets.indexOf('/dev/shm'))
})

test('a mount at /dev replaces everything below it', () => {
  const { mounts } = bundle.spec({ mounts: [bind('/dev', '/dev')] })
  assert.deepEqual(
    mounts.filter(({ destination }) => destination.startsWith('/dev')).map((m) => m.type),
    ['bind'],
  )
})

test('two mounts at one path are refused', () => {
  const mounts = [bind('/srv', '/x'), { type: 'tmpfs', target: '/x', options: [] } as const]
  assert.throws(() => bundle.spec({ mounts }), /mount \/x: given twice/)
})

test('read-only reaches mounts below where the kernel can', () => {
  const options = (over: Partial<BindMount>, kernel: HostFacts['kernel']) => {
    const config = { mounts: [bind('/srv', '/x', { isReadOnly: true, ...over })] }
    const { mounts } = bundle.spec(config, { facts: { ...facts, kernel } })
    return mounts.find(({ destination }) => destination === '/x')?.options.slice(2)
  }
  const old = { major: 5, minor: 10 }
  assert.deepEqual(options({}, facts.kernel), ['ro', 'rro'])
  assert.deepEqual(options({}, old), ['ro'])
  assert.deepEqual(options({ readOnlyReach: 'top' }, facts.kernel), ['ro'])
  assert.deepEqual(options({ isRecursive: false }, facts.kernel), ['ro'])
  assert.throws(() => options({ readOnlyReach: 'all' }, old), { code: 'UNSUPPORTED' })
})

test('a tmpfs is noexec, nosuid and nodev unless undone', () => {
  const options = (given: string[]) =>
    bundle
      .spec({ mounts: [{ type: 'tmpfs', target: '/t', options: given }] })
      .mounts.find(({ destination }) => destination === '/t')?.options
  assert.deepEqual(options([]), ['noexec', 'nosuid', 'nodev'])
  assert.deepEqual(options(['exec', 'size=1m']), ['nosuid', 'nodev', 'exec', 'size=1m'])
})

test('privileged: everything is there and nothing is hidden', () => {
  const { process, linux, mounts } = bundle.spec({ privileged: true })
  assert.deepEqual(process.capabilities?.effective, [...capabilityNames])
  assert.deepEqual(linux.resources.devices, [{ allow: true, access: 'rwm' }])
  assert.deepEqual(
    [linux.maskedPaths, linux.readonlyPaths, linux.seccomp],
    [undefined, undefined, undefined],
  )
  assert.ok(mounts.find(({ destination }) => destination === '/sys')?.options.includes('rw'))
  assert.ok(linux.devices.some(({ path }) => path === '/dev/null'))
})

test('security options', () => {
  const spec = bundle.spec({
    security: plainSecurity({ noNewPrivileges: true, isSystempathsUnconfined: true }),
  })
  assert.equal(spec.process.noNewPrivileges, true)
  assert.deepEqual([spec.linux.maskedPaths, spec.linux.readonlyPaths], [undefined, undefined])
  assert.notEqual(spec.linux.seccomp, undefined)
  const unconfined = bundle.spec({ security: plainSecurity({ seccomp: 'unconfined' }) })
  assert.equal(unconfined.linux.seccomp, undefined)
})

test('an AppArmor profile needs AppArmor', () => {
  const config = { security: plainSecurity({ apparmorProfile: 'mine' }) }
  assert.throws(() => bundle.spec(config), { code: 'FAILED_PRECONDITION' })
  const { process } = bundle.spec(config, { facts: { ...facts, hasAppArmor: true } })
  assert.equal(process.apparmorProfile, 'mine')
})

test('limits of the cgroup', () => {
  const resources = {
    nanoCpus: 1.5e9,
    memoryBytes: 100,
    pidsLimit: 10,
    isOomKillDisabled: false,
  }
  const { resources: built } = bundle.spec({ resources }).linux
  assert.deepEqual(built.cpu, { quota: 150_000, period: 100_000 })
  assert.deepEqual(built.memory, { limit: 100, swap: 200 })
  assert.deepEqual(built.pids, { limit: 10 })
  const onV1: HostFacts = { ...facts, cgroup: { mode: 'v1', hasSwapLimit: false } }
  const { linux } = bundle.spec({ resources }, { facts: onV1 })
  assert.deepEqual(linux.resources.memory, { limit: 100 })
})

test('limits that this machine cannot keep are refused, not dropped', () => {
  const withLimits = (limits: object) => () =>
    bundle.spec({ resources: { isOomKillDisabled: false, ...limits } })
  assert.throws(withLimits({ memorySwappiness: 1 }), { code: 'UNSUPPORTED' })
  assert.throws(withLimits({ isOomKillDisabled: true }), { code: 'UNSUPPORTED' })
  const noSwap: HostFacts = { ...facts, cgroup: { mode: 'v1', hasSwapLimit: false } }
  const resources = { isOomKillDisabled: false, memoryBytes: 1, memorySwapBytes: 2 }
  assert.throws(() => bundle.spec({ resources }, { facts: noSwap }), { code: 'UNSUPPORTED' })
})

test('a hard limit above our own is refused where it cannot be raised', () => {
  const weak = facts.capabilities.filter((name) => name !== 'CAP_SYS_RESOURCE')
  const ulimits = [{ name: 'nofile', soft: 10, hard: 2 ** 40 }]
  const over = { facts: { ...facts, capabilities: weak } }
  assert.throws(() => bundle.spec({ ulimits }, over), /nofile: \d+ is above this process's own/)
  const [rlimit] = bundle.spec({ ulimits }).process.rlimits ?? []
  assert.deepEqual(rlimit, { type: 'RLIMIT_NOFILE', soft: 10n, hard: 2n ** 40n })
})

test('a device that is missing or none is refused', () => {
  const device = (hostPath: string) => ({ hostPath, containerPath: '/dev/x', access: 'rwm' })
  assert.throws(() => bundle.spec({ devices: [device('/dev/no-such')] }), { code: 'NOT_FOUND' })
  assert.throws(() => bundle.spec({ devices: [device('/etc/passwd')] }), /not a device/)
  const { linux } = bundle.spec({ devices: [{ ...device('/dev/full'), access: 'r' }] })
  assert.deepEqual(
    linux.devices.map(({ path, type, major, minor }) => [path, type, major, minor]),
    [['/dev/x', 'c', 1, 7]],
  )
  const rule = { allow: true, type: 'c', major: 1, minor: 7, access: 'r' }
  assert.deepEqual(linux.resources.devices.at(-1), rule)
})

test('nothing to run is an error, and so is a NUL in what the kernel takes as text', () => {
  const image = imageProcess({ cmd: undefined })
  assert.throws(() => bundle.spec({}, { image }), /^TsctrError: no command or entrypoint provided/)
  assert.throws(() => bundle.spec({ command: ['a\0b'] }), { code: 'INVALID_ARGUMENT' })
  const withNul = imageProcess({ env: ['A=\0'] })
  assert.throws(() => bundle.spec({}, { image: withNul }), { code: 'INVALID_ARGUMENT' })
})

test('relabelling means nothing without SELinux and is refused with it', () => {
  const config = { mounts: [bind('/srv', '/x', { relabel: 'private' as const })] }
  bundle.spec(config)
  const selinux = { facts: { ...facts, hasSelinux: true } }
  assert.throws(() => bundle.spec(config, selinux), { code: 'UNSUPPORTED' })
})

test('the container’s cgroup lies below ours or the parent asked for', () => {
  assert.match(
    bundle.spec({ cgroupParent: undefined }).linux.cgroupsPath,
    /^\/tsctr\/[0-9a-f]{64}$/,
  )
  assert.match(bundle.spec({ cgroupParent: 'a/b' }).linux.cgroupsPath, /^\/a\/b\/[0-9a-f]{64}$/)
})

test('the user is looked up in the image', () => {
  const { process } = bundle.spec({ user: 'anna' })
  assert.deepEqual(process.user, { uid: 1000, gid: 1000, additionalGids: [1000, 10, 29] })
  assert.ok(process.env.includes('HOME=/home/anna'))
  assert.deepEqual(Object.keys(process.capabilities ?? {}), ['bounding'])
})
