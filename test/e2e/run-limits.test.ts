import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { hostFacts } from '../../src/host/host-facts.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createRunSandbox, type RunSandbox, someDisk } from '../helpers/run-sandbox.ts'

const skip = needsContainers() || needsRegistry()
const isV2 = hostFacts().cgroup.mode === 'v2'
const onV1 = isV2 ? 'needs cgroup v1' : false
const disk = someDisk()

describe('run: limits and devices', { skip }, () => {
  let sandbox: RunSandbox

  before(async () => {
    sandbox = await createRunSandbox()
  })

  after(() => sandbox.close())

  test('processor, memory and processes, in the files of the cgroup and in inspect', async () => {
    const flags = [
      ...['--cpu-shares', '512', '--cpu-period', '50000', '--cpu-quota', '20000'],
      ...['--cpuset-cpus', '0', '--cpuset-mems', '0'],
      ...['-m', '64m', '--memory-reservation', '32m', '--pids-limit', '77'],
      ...['--oom-score-adj', '300', '--cgroup-parent', 'tsctr-test/below'],
    ]
    const files = isV2
      ? ['cpu.max', 'cpuset.cpus', 'cpuset.mems', 'memory.max', 'memory.low', 'pids.max']
      : [
          ...['cpu/cpu.shares', 'cpu/cpu.cfs_period_us', 'cpu/cpu.cfs_quota_us'],
          ...['cpuset/cpuset.cpus', 'cpuset/cpuset.mems', 'memory/memory.limit_in_bytes'],
          ...['memory/memory.soft_limit_in_bytes', 'pids/pids.max'],
        ]
    const script = `cd /sys/fs/cgroup; cat ${files.join(' ')} /proc/self/oom_score_adj`
    const expected = isV2
      ? ['20000 50000', '0', '0', '67108864', '33554432', '77', '300']
      : ['512', '50000', '20000', '0', '0', '67108864', '33554432', '77', '300']
    assert.deepEqual((await sandbox.inside(flags, script)).split('\n'), expected)
    rmCgroups('tsctr-test/below', 'tsctr-test')

    const id = await sandbox.succeeds('create', ...flags, 'busybox', 'true')
    const format =
      '{{with .HostConfig}}{{.CpuShares}} {{.CpuPeriod}} {{.CpuQuota}} {{.CpusetCpus}} {{.CpusetMems}} ' +
      '{{.Memory}} {{.MemoryReservation}} {{.PidsLimit}} {{.OomScoreAdj}} {{.CgroupParent}}{{end}}'
    assert.equal(
      await sandbox.succeeds('inspect', '-f', format, id),
      '512 50000 20000 0 0 67108864 33554432 77 300 tsctr-test/below',
    )
    await sandbox.succeeds('rm', id)
  })

  test('--memory-swappiness and --oom-kill-disable', { skip: onV1 }, async () => {
    const flags = ['-m', '64m', '--memory-swappiness', '10', '--oom-kill-disable']
    const script = 'cd /sys/fs/cgroup/memory; cat memory.swappiness; head -n 1 memory.oom_control'
    assert.equal(await sandbox.inside(flags, script), '10\noom_kill_disable 1')
  })

  test('reading and writing disks', { skip: disk === undefined && 'needs a disk' }, async () => {
    const { path, number } = disk ?? { path: '', number: '' }
    const flags = [
      ...['--device-read-bps', `${path}:1mb`, '--device-write-bps', `${path}:2mb`],
      ...['--device-read-iops', `${path}:300`, '--device-write-iops', `${path}:400`],
    ]
    const v1 = ['read_bps', 'write_bps', 'read_iops', 'write_iops']
    const script = isV2
      ? 'cat /sys/fs/cgroup/io.max'
      : `cd /sys/fs/cgroup/blkio; cat ${v1.map((name) => `blkio.throttle.${name}_device`).join(' ')}`
    const expected = isV2
      ? [`${number} rbps=1048576 wbps=2097152 riops=300 wiops=400`]
      : ['1048576', '2097152', '300', '400'].map((value) => `${number} ${value}`)
    assert.deepEqual((await sandbox.inside(flags, script)).split('\n'), expected)

    const id = await sandbox.succeeds('create', ...flags, 'busybox', 'true')
    const format =
      '{{with .HostConfig}}{{json .BlkioDeviceReadBps}} {{json .BlkioDeviceWriteIOps}}{{end}}'
    assert.equal(
      await sandbox.succeeds('inspect', '-f', format, id),
      `[{"Path":"${path}","Rate":1048576}] [{"Path":"${path}","Rate":400}]`,
    )
    await sandbox.succeeds('rm', id)
  })

  const withoutWeights = existsSync('/sys/fs/cgroup/blkio/blkio.bfq.io_serviced')
    ? onV1
    : 'needs the bfq scheduler on cgroup v1'
  test('shares of disks', {
    skip: withoutWeights || (disk === undefined && 'needs a disk'),
  }, async () => {
    const script = 'cat /sys/fs/cgroup/blkio/blkio.bfq.weight'
    assert.equal(await sandbox.inside(['--blkio-weight', '300'], script), '300')
    const { path } = disk ?? { path: '' }
    const create = ['create', '--blkio-weight', '300', '--blkio-weight-device', `${path}:200`]
    const id = await sandbox.succeeds(...create, 'busybox', 'true')
    const format = '{{with .HostConfig}}{{.BlkioWeight}} {{json .BlkioWeightDevice}}{{end}}'
    assert.equal(
      await sandbox.succeeds('inspect', '-f', format, id),
      `300 [{"Path":"${path}","Weight":200}]`,
    )
    await sandbox.succeeds('rm', id)
  })

  const realtime = '/sys/fs/cgroup/cpu/cpu.rt_runtime_us'
  const noRealtime = existsSync(realtime) ? onV1 : 'needs realtime groups on cgroup v1'
  test('realtime, where the parent has it', { skip: noRealtime }, async () => {
    const parent = '/sys/fs/cgroup/cpu/tsctr-test-rt'
    const flags = [
      ...['--cpu-rt-runtime', '2000', '--cpu-rt-period', '500000'],
      ...['--cgroup-parent', 'tsctr-test-rt'],
    ]
    mkdirSync(parent, { recursive: true })
    try {
      await sandbox.refuses(
        ['--network', 'none', ...flags, 'busybox', 'true'],
        /^tsctr: --cpu-rt-runtime 2000: the cgroup \/tsctr-test-rt has no realtime to give\nhint: /,
      )
      writeFileSync(`${parent}/cpu.rt_runtime_us`, '100000')
      const script = 'cd /sys/fs/cgroup/cpu; cat cpu.rt_runtime_us cpu.rt_period_us'
      assert.equal(await sandbox.inside(flags, script), '2000\n500000')
    } finally {
      rmCgroups('tsctr-test-rt')
    }
  })

  test('what only the other version of cgroups has is refused', async () => {
    const refused = isV2
      ? [
          '--memory-swappiness=5',
          '--oom-kill-disable',
          '--cpu-rt-runtime=1000',
          '--cpu-rt-period=5000',
        ]
      : ['--cgroup-conf=memory.high=64M']
    for (const flag of refused) {
      const name = flag.replace(/=.*/, '')
      await sandbox.refuses([flag, 'busybox', 'true'], new RegExp(`^tsctr: ${name}: this host has`))
    }
  })

  test('--cgroup-conf writes to the cgroup', { skip: !isV2 && 'needs cgroup v2' }, async () => {
    const flags = ['--cgroup-conf', 'memory.high=64M']
    assert.equal(await sandbox.inside(flags, 'cat /sys/fs/cgroup/memory.high'), '67108864')
  })

  test('--device-cgroup-rule allows devices that are not there yet', async () => {
    const script = 'mknod /made c 1 11 && echo x > /made && echo written'
    const privileged = ['--cap-add', 'MKNOD']
    const rule = ['--device-cgroup-rule', 'c 1:11 rw']
    assert.equal(await sandbox.inside([...privileged, ...rule], script), 'written')
    assert.equal(
      await sandbox.inside(privileged, `{ ${script}; } 2>/dev/null || echo refused`),
      'refused',
    )
    const id = await sandbox.succeeds('create', ...rule, 'busybox', 'true')
    const format = '{{json .HostConfig.DeviceCgroupRules}}'
    assert.equal(await sandbox.succeeds('inspect', '-f', format, id), '["c 1:11 rw"]')
    await sandbox.succeeds('rm', id)
  })

  test('--security-opt privileged-without-host-devices keeps the devices of the host away', async () => {
    const script =
      'ls /dev | grep -c kmsg; grep CapEff /proc/self/status | cut -f 2; ' +
      '{ mknod /made c 1 11 && echo x > /made; } 2>/dev/null || echo refused'
    const all = await sandbox.inside(['--privileged'], script)
    const [kmsg, capabilities] = all.split('\n')
    assert.deepEqual(all.split('\n'), [kmsg, capabilities])
    assert.equal(kmsg, existsSync('/dev/kmsg') ? '1' : '0')
    const without = ['--privileged', '--security-opt', 'privileged-without-host-devices']
    assert.deepEqual((await sandbox.inside(without, script)).split('\n'), [
      '0',
      capabilities,
      'refused',
    ])
  })

  test('--security-opt label= does nothing without SELinux, apparmor= needs AppArmor', async () => {
    const { hasSelinux, hasAppArmor } = hostFacts()
    if (!hasSelinux) {
      const flags = ['--security-opt', 'label=type:container_t', '--security-opt', 'label=disable']
      assert.equal(await sandbox.inside(flags, 'echo runs'), 'runs')
    }
    assert.equal(
      await sandbox.inside(['--security-opt', 'apparmor=unconfined'], 'echo runs'),
      'runs',
    )
    if (hasAppArmor) return
    const refused = ['--security-opt', 'apparmor=mine', 'busybox', 'true']
    await sandbox.refuses(refused, /^tsctr: apparmor=mine: AppArmor is not enabled on this host/)
  })

  test('what takes CAP_SYS_RESOURCE is refused in one line where that is missing', async () => {
    const prefix = ['setpriv', '--bounding-set=-sys_resource', '--inh-caps=-sys_resource']
    const hard = Number(
      /^Max open files +\S+ +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1],
    )
    for (const [flags, words] of [
      [
        ['--oom-score-adj', '-1000'],
        /^tsctr: --oom-score-adj -1000: below what this process may give\nhint: CAP_SYS_RESOURCE/,
      ],
      [
        ['--ulimit', `nofile=${hard + 1}`],
        /^tsctr: ulimit nofile: \d+ is above this process's own hard limit of \d+\nhint: CAP_SYS_RESOURCE/,
      ],
      [
        ['--cap-add', 'SYS_RESOURCE'],
        /^tsctr: capability CAP_SYS_RESOURCE: tsctr does not have it itself/,
      ],
    ] as const) {
      const args = ['run', '--rm', '--network', 'none', ...flags, 'busybox', 'true']
      const { stderr, exitCode } = await sandbox.run(args, { prefix })
      assert.match(stderr, words)
      assert.match(stderr, /^.*\n(hint: .*\n)?$/)
      assert.equal(exitCode, 125)
    }
    const higher = ['run', '--rm', '--network', 'none', '--oom-score-adj', '500', 'busybox']
    const { stdout, stderr } = await sandbox.run([...higher, 'cat', '/proc/self/oom_score_adj'], {
      prefix,
    })
    assert.equal(stdout, '500\n', stderr)
    assert.equal(await sandbox.succeeds('ps', '-aq'), '')
  })

  test('what is no disk is named', async () => {
    await sandbox.refuses(
      ['--device-read-bps', '/dev/null:1mb', 'busybox', 'true'],
      /^tsctr: device \/dev\/null: not a block device/,
    )
    await sandbox.refuses(
      ['--blkio-weight-device', '/dev/nosuch:100', 'busybox', 'true'],
      /^tsctr: (device \/dev\/nosuch: no such file|--blkio-weight-device: this kernel)/,
    )
  })
})

/** The runtime leaves the cgroups above a container's. */
function rmCgroups(...paths: readonly string[]): void {
  const roots = isV2
    ? ['/sys/fs/cgroup']
    : [
        'blkio',
        'cpu',
        'cpuacct',
        'cpuset',
        'devices',
        'freezer',
        'memory',
        'pids',
        'systemd',
        'unified',
      ].map((name) => `/sys/fs/cgroup/${name}`)
  for (const root of roots) {
    for (const path of paths) if (existsSync(`${root}/${path}`)) rmdirSync(`${root}/${path}`)
  }
}
