import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { BindMount } from '../../../src/container/config.ts'
import { prepareBindSources } from '../../../src/container/spec/bind-sources.ts'
import { findInitProgram } from '../../../src/container/spec/init-program.ts'
import { buildExecProcess } from '../../../src/container/spec/process.ts'
import { openRootDirectory } from '../../../src/container/spec/root-directory.ts'
import { hostFacts } from '../../../src/host/host-facts.ts'
import { MNT_DETACH, mount, umount2 } from '../../../src/host/libc.ts'
import { capabilitiesOfMask } from '../../../src/oci/capability.ts'
import { needsContainers } from '../../helpers/capabilities.ts'
import { type Bundle, imageProcess, makeBundle, plainConfig, plainSecurity } from './fixture.ts'

function needsInit(): string | false {
  try {
    findInitProgram()
    return false
  } catch {
    return 'needs tini or catatonit'
  }
}

/** Each test runs a container with real runc and looks at it from the inside. */
describe('a spec on runc', { skip: needsContainers() }, () => {
  let bundle: Bundle

  before(() => {
    bundle = makeBundle()
  })

  after(() => bundle[Symbol.dispose]())

  function status(field: string, over: Parameters<Bundle['run']>[1] = {}): string {
    return bundle.run(`sed -n 's/^${field}:[[:space:]]*//p' /proc/self/status`, over)
  }

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

  // Fault list, b3 46: the defaults.
  test('seccomp filters, and root has docker’s capabilities, none inheritable', () => {
    assert.equal(status('Seccomp'), '2')
    assert.equal(status('NoNewPrivs'), '0')
    for (const field of ['CapEff', 'CapPrm', 'CapBnd'])
      assert.equal(status(field), '00000000a80425fb')
    for (const field of ['CapInh', 'CapAmb']) assert.equal(status(field), '0000000000000000')
  })

  test('the filter stops what it should and lets pass what it should', () => {
    const script = `
      unshare -m true 2>/dev/null || echo no unshare
      mkdir /m; mount -t tmpfs none /m 2>/dev/null || echo no mount
      (sleep 0 & wait) && echo forks
      chroot / true && echo chroots`
    assert.equal(bundle.run(script), 'no unshare\nno mount\nforks\nchroots')
  })

  test('every capability that can be granted works with the filter', () => {
    const capabilities = capabilitiesOfMask(status('CapEff', { capAdd: ['ALL'] }))
    assert.deepEqual(capabilities, [...hostFacts().capabilities])
    assert.equal(bundle.run('unshare -m true && echo yes', { capAdd: ['CAP_SYS_ADMIN'] }), 'yes')
  })

  test('a profile of the user’s is in force', () => {
    const seccomp = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [
        { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 },
        { names: ['socket'], action: 'SCMP_ACT_ERRNO', includes: { caps: ['CAP_SYS_BOOT'] } },
      ],
    } as const
    const said = bundle.run('mkdir /x 2>&1 || true', { security: plainSecurity({ seccomp }) })
    assert.match(said, /No space left on device/)
  })

  test('host name, user, groups, directory and environment', () => {
    const said = bundle.run('hostname; id -u; id -g; id -G; pwd; echo $HOME $HOSTNAME; umask', {
      user: 'anna',
      groupAdd: ['video', '77'],
      workdir: '/made/by/runc',
      hostname: 'box',
      umask: 0o027,
    })
    const [name, uid, gid, groups, cwd, env, umask] = said.split('\n')
    assert.deepEqual([name, uid, gid, cwd], ['box', '1000', '1000', '/made/by/runc'])
    assert.deepEqual(
      groups
        ?.split(' ')
        .map(Number)
        .sort((a, b) => a - b),
      [10, 29, 44, 77, 1000],
    )
    assert.deepEqual([env, umask], ['/home/anna box', '0027'])
  })

  test('another user than root starts without capabilities', () => {
    assert.equal(status('CapEff', { user: '1000' }), '0000000000000000')
    assert.equal(status('CapBnd', { user: '1000' }), '00000000a80425fb')
  })

  test('only the usual devices are there and work', () => {
    const names = bundle.run('cd /dev; echo *').split(' ')
    const usual = ['full', 'null', 'ptmx', 'random', 'tty', 'urandom', 'zero']
    const places = ['core', 'fd', 'mqueue', 'pts', 'shm', 'stderr', 'stdin', 'stdout', 'console']
    assert.deepEqual(
      usual.filter((name) => !names.includes(name)),
      [],
    )
    assert.deepEqual(
      names.filter((name) => !usual.includes(name) && !places.includes(name)),
      [],
    )
    const tryMade = 'mknod /dev/kmem2 c 1 11 && head -c1 /dev/kmem2 2>&1 | grep -c "not permitted"'
    assert.equal(bundle.run(`head -c3 /dev/zero | wc -c; ${tryMade}`), '3\n1')
  })

  test('a device can be added, for reading only', () => {
    const devices = [{ hostPath: '/dev/kmsg', containerPath: '/dev/log2', access: 'r' }]
    const script = 'stat -c %F,%t,%T /dev/log2; echo x 2>/dev/null > /dev/log2 || echo refused'
    assert.equal(bundle.run(script, { devices }), 'character special file,1,b\nrefused')
  })

  // b3 46.
  test('what shows or steers the host is hidden or read-only', () => {
    const script = `
      wc -c < /proc/keys; wc -c < /proc/interrupts; ls /sys/firmware | wc -l
      echo 1 2>/dev/null > /proc/sys/kernel/sysrq || echo read-only
      mkdir /sys/fs/cgroup/memory/x /sys/fs/cgroup/x 2>/dev/null || echo read-only`
    assert.equal(bundle.run(script), '0\n0\n0\nread-only\nread-only')
    const bare = { security: plainSecurity({ isSystempathsUnconfined: true }) }
    assert.notEqual(bundle.run('wc -c < /proc/interrupts', bare), '0')
  })

  test('low ports need no privilege in a network namespace', () => {
    const names = ['ip_unprivileged_port_start', 'ping_group_range']
    const script = names.map((name) => `cat /proc/sys/net/ipv4/${name}`).join(';')
    assert.equal(bundle.run(script), '0\n0\t2147483647')
  })

  test('settings, domain name and limits', () => {
    const files = '/proc/sys/kernel/msgmax /proc/sys/kernel/domainname /proc/self/limits'
    const said = bundle.run(`cat ${files}`, {
      sysctls: { 'kernel.msgmax': '4096' },
      domainname: 'example.test',
      ulimits: [
        { name: 'nofile', soft: 100, hard: 200 },
        { name: 'core', soft: 0, hard: 0 },
      ],
    })
    assert.match(said, /^4096\nexample\.test\n/)
    assert.match(said, /^Max open files +100 +200 /m)
    assert.match(said, /^Max core file size +0 +0 /m)
  })

  test('a limit may be none at all', {
    skip: /Max core file size +\S+ +unlimited/.test(readFileSync('/proc/self/limits', 'utf8'))
      ? false
      : 'needs an unlimited core size',
  }, () => {
    const ulimits = [{ name: 'core', soft: -1, hard: -1 }]
    assert.equal(bundle.run('ulimit -c', { ulimits }), 'unlimited')
  })

  test('/dev/shm has its size and the files of /etc are bound', () => {
    assert.equal(bundle.run(`df -k /dev/shm | awk 'END { print $2 }'`), '65536')
    const half = { shmSizeBytes: 32 * 1024 * 1024 }
    assert.equal(bundle.run(`df -k /dev/shm | awk 'END { print $2 }'`, half), '32768')
    const said = bundle.run('cat /etc/hosts /etc/hostname /etc/resolv.conf')
    assert.equal(
      said,
      ['hosts', 'hostname', 'resolv.conf'].map((n) => `${n} of the bundle`).join('\n'),
    )
  })

  test('read-only root, with a tmpfs in it', () => {
    const script =
      'touch /x 2>/dev/null || echo refused; touch /t/x && stat -c %a /t; touch /etc/hosts'
    const said = bundle.run(script, {
      readOnly: true,
      mounts: [{ type: 'tmpfs', target: '/t', options: ['size=1m', 'mode=0700'] }],
    })
    assert.equal(said, 'refused\n700')
  })

  test('bind mounts: a missing source of -v is made, ro reaches mounts below', () => {
    const made = join(bundle.path, 'made/by/v')
    const tree = join(bundle.path, 'tree')
    mkdirSync(join(tree, 'below'), { recursive: true })
    mount('tmpfs', join(tree, 'below'), 'tmpfs', 0)
    try {
      const mounts = [
        bind(made, '/made', { createsSource: true }),
        bind(tree, '/tree', { isReadOnly: true }),
        bind(tree, '/flat', { isRecursive: false }),
      ]
      prepareBindSources(mounts)
      const script = `
        echo hello > /made/file
        touch /tree/x 2>/dev/null || echo refused; touch /tree/below/x 2>/dev/null || echo refused
        grep -c ' /flat/below ' /proc/mounts || true`
      const { major, minor } = hostFacts().kernel
      const reach = major > 5 || (major === 5 && minor >= 12) ? ['refused', 'refused'] : ['refused']
      assert.deepEqual(bundle.run(script, { mounts }).split('\n'), [...reach, '0'])
      assert.equal(readFileSync(join(made, 'file'), 'utf8'), 'hello\n')
    } finally {
      umount2(join(tree, 'below'), MNT_DETACH)
    }
  })

  test('a missing source of --mount is an error', () => {
    const missing = join(bundle.path, 'missing')
    assert.throws(() => prepareBindSources([bind(missing, '/x')]), { code: 'NOT_FOUND' })
    assert.ok(!existsSync(missing))
  })

  // b3 34.
  test('a mount target that is a symlink of the image stays inside', () => {
    symlinkSync('/tmp/../../../..', join(bundle.rootfs, 'out'))
    const source = join(bundle.path, 'for-out')
    mkdirSync(source)
    writeFileSync(join(source, 'here'), '')
    const mounts = [bind(source, '/out/inside')]
    assert.equal(bundle.run('ls /inside', { mounts }), 'here')
    assert.ok(existsSync(join(bundle.rootfs, 'inside')))
  })

  test('mounts made in the container are seen outside when shared', () => {
    const shared = join(bundle.path, 'shared')
    mkdirSync(join(shared, 'new'), { recursive: true })
    assert.throws(() => bundle.spec({ mounts: [bind(shared, '/s', { propagation: 'rshared' })] }), {
      code: 'FAILED_PRECONDITION',
    })
    execFileSync('mount', ['--bind', shared, shared])
    execFileSync('mount', ['--make-shared', shared])
    try {
      bundle.run('mount -t tmpfs seen-outside /s/new', {
        mounts: [bind(shared, '/s', { propagation: 'rshared' })],
        privileged: true,
      })
      assert.match(readFileSync('/proc/self/mounts', 'utf8'), /^seen-outside .*shared\/new /m)
      umount2(join(shared, 'new'), MNT_DETACH)
    } finally {
      umount2(shared, MNT_DETACH)
    }
  })

  test('limits of the cgroup reach the kernel', () => {
    const resources = {
      memoryBytes: 64 * 1024 * 1024,
      nanoCpus: 5e8,
      pidsLimit: 50,
      isOomKillDisabled: false,
    }
    const files = {
      v1: 'memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us pids/pids.max',
      v2: 'memory.max cpu.max pids.max',
    }
    const isV2 = hostFacts().cgroup.mode === 'v2'
    const script = `cd /sys/fs/cgroup && cat ${files[isV2 ? 'v2' : 'v1']}`
    const said = bundle.run(script, { resources, cgroupnsMode: 'private' })
    assert.equal(said, `67108864\n50000${isV2 ? ' 100000' : ''}\n50`)
  })

  test('privileged: all capabilities, the host’s devices, no filter', () => {
    assert.equal(status('Seccomp', { privileged: true }), '0')
    const script = 'mkdir /pm && mount -t tmpfs none /pm && echo mounts; ls /dev/kmsg'
    assert.equal(bundle.run(script, { privileged: true }), 'mounts\n/dev/kmsg')
  })

  test('shared PID namespace, no new privileges', () => {
    assert.equal(bundle.run('test $$ -gt 1 && echo host', { pidMode: 'host' }), 'host')
    assert.equal(status('NoNewPrivs', { security: plainSecurity({ noNewPrivileges: true }) }), '1')
  })

  test('the out-of-memory preference is set when asked for', () => {
    const resources = { oomScoreAdj: 500, isOomKillDisabled: false }
    assert.equal(bundle.run('cat /proc/self/oom_score_adj', { resources }), '500')
  })

  test('init is the first process, the program its child', { skip: needsInit() }, () => {
    const script = 'cat /proc/1/comm; tr "\\0" " " < /proc/1/cmdline'
    const [name, command] = bundle.run(script, { init: true }).split('\n')
    assert.equal(name, 'docker-init')
    assert.match(command ?? '', /^\/sbin\/docker-init -- \/bin\/sh -c/)
  })

  test('what exec gets is the container’s, with what was asked over it', () => {
    const root = openRootDirectory(bundle.rootfs)
    try {
      const input = {
        config: plainConfig({ env: ['A=container', 'B=container'], workdir: '/tmp' }),
        image: imageProcess({ user: 'anna' }),
        containerId: 'f'.repeat(64),
        root,
        facts: hostFacts(),
      }
      const request = {
        args: ['id'],
        env: ['A=exec'],
        user: undefined,
        workdir: undefined,
        tty: true,
        isPrivileged: false,
      }
      const process = buildExecProcess(input, request)
      assert.deepEqual([process.user.uid, process.cwd, process.terminal], [1000, '/tmp', true])
      for (const entry of ['A=exec', 'B=container', 'TERM=xterm']) {
        assert.ok(process.env.includes(entry), entry)
      }
      const privileged = buildExecProcess(input, { ...request, user: '0', isPrivileged: true })
      assert.deepEqual(privileged.capabilities?.effective, [...hostFacts().capabilities])
    } finally {
      root.close()
    }
  })
})
