import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { Command } from 'commander'
import { refusedRunFlags } from '../../../src/cli/commands/refused-flags.ts'
import { configFromFlags, runOptionsFromFlags } from '../../../src/cli/commands/run-config.ts'
import { addRunFlags, type RunFlags } from '../../../src/cli/commands/run-flags.ts'
import type { ContainerConfig } from '../../../src/container/config.ts'

interface Parsed {
  readonly config: ContainerConfig
  readonly options: ReturnType<typeof runOptionsFromFlags>
}

/** Parse a command line as main.ts does: options end at the first operand. */
function parse(...args: readonly string[]): Parsed {
  let parsed: Parsed | undefined
  const command = new Command('run').argument('<image>').argument('[args...]')
  addRunFlags(command, 'run')
    .passThroughOptions()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .action((image: string, rest: string[], flags: RunFlags) => {
      parsed = { config: configFromFlags(flags, image, rest), options: runOptionsFromFlags(flags) }
    })
  command.parse([...args], { from: 'user' })
  if (parsed === undefined) throw new Error('the action did not run')
  return parsed
}

test('without flags everything is docker’s default', () => {
  const { config, options } = parse('busybox', 'echo', '-n', '--rm', 'x')
  assert.equal(config.image, 'busybox')
  assert.deepEqual(config.command, ['echo', '-n', '--rm', 'x'])
  assert.equal(config.autoRemove, false)
  assert.equal(config.networkMode, 'bridge')
  assert.equal(config.entrypoint, undefined)
  assert.deepEqual(options, {
    detach: false,
    attach: undefined,
    detachKeys: undefined,
    sigProxy: true,
    quiet: false,
    waits: false,
    pull: 'missing',
    platform: undefined,
    cidfile: undefined,
    replaces: false,
    pidfile: undefined,
    runtime: undefined,
  })
})

test('short flags bundle, and -h is the host name', () => {
  const { config, options } = parse('-itd', '-h', 'web', '-eA=1', '-u', 'anna:wheel', 'busybox')
  assert.equal(config.openStdin, true)
  assert.equal(config.tty, true)
  assert.equal(options.detach, true)
  assert.equal(config.hostname, 'web')
  assert.deepEqual(config.env, ['A=1'])
  assert.equal(config.user, 'anna:wheel')
})

test('files come before single entries, whatever their order on the command line', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tsctr-flags-'))
  process.env.TSCTR_TEST_IMPORTED = 'from the caller'
  try {
    writeFileSync(join(dir, 'env'), '# note\n\nA=file\nTSCTR_TEST_IMPORTED\nB="kept quotes"\n')
    writeFileSync(join(dir, 'labels'), 'a=file\nempty\n')
    const { config } = parse(
      ...['-e', 'A=flag', '-e', 'TSCTR_TEST_ABSENT', '--env-file', join(dir, 'env')],
      ...['-l', 'a=flag', '-l', '__proto__=x', '--label-file', join(dir, 'labels'), 'busybox'],
    )
    const imported = 'TSCTR_TEST_IMPORTED=from the caller'
    assert.deepEqual(config.env.slice(0, -1), ['A=file', imported, 'B="kept quotes"', 'A=flag'])
    assert.equal(config.env.at(-1), 'TSCTR_TEST_ABSENT')
    assert.deepEqual(Object.entries(config.labels), [
      ['a', 'flag'],
      ['empty', ''],
      ['__proto__', 'x'],
    ])
    assert.equal(Object.getPrototypeOf(config.labels), Object.prototype)
  } finally {
    delete process.env.TSCTR_TEST_IMPORTED
    rmSync(dir, { recursive: true })
  }
})

test('the config survives its way through JSON', () => {
  const { config } = parse(
    ...['--name', 'web', '--entrypoint', '', '-v', '/etc:/e:ro', '--tmpfs', '/t:size=1m'],
    ...['--ulimit', 'core=-1', '--security-opt', 'no-new-privileges', '-m', '64m', 'busybox'],
  )
  const given = Object.entries(config).filter(([, value]) => value !== undefined)
  const stored = JSON.parse(JSON.stringify(config)) as ContainerConfig
  assert.deepEqual(Object.keys(stored).sort(), given.map(([key]) => key).sort())
  assert.deepEqual(stored.mounts, config.mounts)
  assert.deepEqual(stored.ulimits, [{ name: 'core', soft: -1, hard: -1 }])
  assert.deepEqual(config.entrypoint, [])
  assert.equal(config.resources.memoryBytes, 64 * 1024 * 1024)
  assert.equal(config.security.noNewPrivileges, true)
})

test('each mount flag adds a mount', () => {
  const { config } = parse(
    ...['-v', './x:/x', '--mount', 'type=tmpfs,dst=/t,tmpfs-mode=1777', '--tmpfs', '/u', 'busybox'],
  )
  assert.deepEqual(
    config.mounts.map(({ target }) => target),
    ['/x', '/t', '/u'],
  )
  const [bind] = config.mounts
  assert.equal(bind?.type === 'bind' && bind.source, resolve('x'))
})

test('one ulimit of a name counts, the last', () => {
  const { config } = parse('--ulimit', 'nofile=10', '--ulimit', 'nofile=20:30', 'busybox')
  assert.deepEqual(config.ulimits, [{ name: 'nofile', soft: 20, hard: 30 }])
})

test('--net is --network, --init-binary implies --init, --rootfs takes a directory', () => {
  assert.equal(parse('--net', 'host', 'busybox').config.networkMode, 'host')
  assert.equal(parse('--init-binary', '/x', 'busybox').config.init, true)
  const { config } = parse('--rootfs', 'some/dir', 'sh')
  assert.deepEqual([config.image, config.rootfs], ['', resolve('some/dir')])
})

test('--no-sig-proxy, which --sig-proxy=false becomes, is heard', () => {
  assert.equal(parse('--no-sig-proxy', 'busybox').options.sigProxy, false)
})

test('the flags of one command line do not reach the next', () => {
  parse('-e', 'A=1', '--cap-add', 'ALL', '--security-opt', 'no-new-privileges', 'busybox')
  const { config } = parse('-e', 'B=2', 'busybox')
  assert.deepEqual([config.env, config.capAdd], [['B=2'], []])
  assert.equal(config.security.noNewPrivileges, false)
})

test('a bad value is refused in words that begin with the flag', () => {
  const cases: readonly (readonly [flag: string, value: string, message: RegExp])[] = [
    ['--memory', '1x', /^--memory "1x": not a size/],
    ['--memory', '1m', /^--memory "1m": less than the smallest/],
    ['--cpus', '0', /^--cpus "0": not a number of CPUs/],
    ['--pids-limit', 'many', /^--pids-limit "many": not a whole number/],
    ['--cap-add', 'NET_ADMN', /^--cap-add "NET_ADMN": no such capability/],
    ['--ulimit', 'nofile=2:1', /^--ulimit "nofile=2:1": the soft limit is above/],
    ['--stop-signal', 'SIGNO', /^--stop-signal signal "SIGNO": no such signal/],
    ['--name', '../x', /^--name "..\/x": not a name/],
    ['--name', '-x', /^--name "-x": not a name/],
    ['--hostname', 'a\nb', /^--hostname "a\\nb": not a host name/],
    ['--workdir', 'tmp', /^--workdir "tmp": must be an absolute path/],
    ['--network', 'a/b', /^--network network "a\/b": not a network name/],
    ['--pull', 'often', /^--pull "often": must be always, missing, never or newer/],
    ['--platform', 'a/b/c/d', /^--platform platform a\/b\/c\/d: must be/],
    ['--env', '=x', /^--env "=x": must be NAME=value/],
    ['--env-file', '/no/such', /^--env-file \/no\/such: no such file/],
    ['--cidfile', '/etc/passwd', /^--cidfile \/etc\/passwd: file exists/],
    ['--sysctl', 'vm.swappiness=1', /^--sysctl "vm.swappiness=1": not a setting of a namespace/],
    ['--device', 'null', /^--device "null": must be HOST-PATH/],
    ['--tmpfs', '/', /^--tmpfs "\/": target \/ must not be \//],
    ['--security-opt', 'seccomp=/no/such', /^--security-opt seccomp profile \/no\/such: cannot be/],
    ['--volume', 'a/b:/data', /^--volume volume "a\/b": not a volume name/],
    ['--add-host', 'web', /^--add-host "web": must be NAME:ADDRESS$/],
    ['--add-host', 'web:x', /^--add-host "web:x": "x" is neither an IP address nor host-gateway$/],
    ['--dns', 'dns.test', /^--dns "dns.test": not an IP address$/],
    ['--dns-search', 'a b', /^--dns-search "a b": not a domain like example.com$/],
    ['--dns-option', 'x y', /^--dns-option "x y": not an option of resolv.conf$/],
    ['--dns-opt', 'x y', /^--dns-opt "x y": not an option of resolv.conf$/],
    ['--pid', 'web', /^--pid "web": must be private, host or container:NAME$/],
    ['--ipc', 'web', /^--ipc "web": must be private, shareable, host, none or container:NAME$/],
    ['--uts', 'container:x', /^--uts "container:x": must be private or host$/],
    ['--userns', 'auto', /^--userns "auto": must be host$/],
    ['--network', 'container:', /^--network "container:": must be container:NAME$/],
    ['--blkio-weight', '5', /^--blkio-weight "5": must be from 10 to 1000, or 0 for none$/],
    ['--blkio-weight-device', '/dev/x:5', /^--blkio-weight-device "5": must be from 10 to 1000/],
    ['--device-read-bps', 'sda:1', /^--device-read-bps "sda:1": must be \/dev\/NAME:SIZE$/],
    ['--device-write-bps', '/dev/x:y', /^--device-write-bps "y": not a size like/],
    ['--device-read-iops', '/dev/x', /^--device-read-iops "\/dev\/x": must be \/dev\/NAME:NUMBER$/],
    [
      '--device-write-iops',
      '/dev/x:1k',
      /^--device-write-iops "1k": not a whole number of at least/,
    ],
    ['--device-cgroup-rule', 'x', /^--device-cgroup-rule "x": not a rule for devices$/],
    ['--cpu-rt-period', '0', /^--cpu-rt-period "0": not a whole number from 1 to 1000000$/],
    ['--cpu-rt-runtime', '-1', /^--cpu-rt-runtime "-1": not a whole number from 0 to 1000000$/],
    ['--cgroup-conf', 'x', /^--cgroup-conf "x": must be FILE=VALUE$/],
    ['--timeout', '1m', /^--timeout "1m": not a whole number from 0 to 2147483647$/],
    ['--dotenv-file', '/no/such', /^--dotenv-file \/no\/such: no such file$/],
    ['--security-opt', 'label=x', /^--security-opt "label=x": no such label$/],
    ['--attach', 'stdfoo', /^--attach "stdfoo": must be stdin, stdout or stderr/],
  ]
  for (const [flag, value, message] of cases) {
    assert.throws(() => parse(`${flag}=${value}`, 'busybox'), { name: 'TsctrError', message })
  }
})

test('flags that contradict each other are refused', () => {
  const contradictions = [
    ['--cpus=1', '--cpu-quota=1000'],
    ['--memory-swap=1g'],
    ['--memory=1g', '--memory-swap=512m'],
    ['--uts=host', '--hostname=x'],
    ['-d', '-a=stdout'],
    ['--replace'],
    ['--network=container:web', '--hostname=x'],
    ['--network=container:web', '--add-host=a:1.2.3.4'],
    ['--net=container:web', '--dns=1.2.3.4'],
  ]
  for (const flags of contradictions) {
    assert.throws(() => parse(...flags, 'busybox'), { code: 'INVALID_ARGUMENT' }, flags.join(' '))
  }
})

test('flags of docker, podman and nerdctl that are not there say why', () => {
  for (const { flag, reason, instead } of refusedRunFlags) {
    const [name = '', value] = flag.split(' ')
    const given = value === undefined ? [name] : [name, 'x']
    assert.throws(() => parse(...given, 'busybox'), {
      code: 'UNSUPPORTED',
      message: `${name}: ${reason}`,
      hint: instead,
    })
  }
})

test('dotenv files come after plain ones and before single entries', () => {
  const dir = mkdtempSync(join(tmpdir(), 'tsctr-flags-'))
  try {
    writeFileSync(join(dir, 'env'), 'A="x"\nB=1\n')
    writeFileSync(join(dir, 'dotenv'), 'A="x"\nC=1\n')
    const { config } = parse(
      ...['-e', 'C=2', '--dotenv-file', join(dir, 'dotenv'), '--env-file', join(dir, 'env')],
      'busybox',
    )
    assert.deepEqual(config.env, ['A="x"', 'B=1', 'A=x', 'C=1', 'C=2'])
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test('--timeout 0 is no end', () => {
  assert.equal(parse('--timeout', '0', 'busybox').config.timeoutS, undefined)
  assert.equal(parse('--timeout', '5', 'busybox').config.timeoutS, 5)
})
