import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { needsContainers, needsNetwork, needsRegistry } from '../helpers/capabilities.ts'
import { createRunSandbox, type RunSandbox } from '../helpers/run-sandbox.ts'

const skip = needsContainers() || needsRegistry() || needsNetwork()

describe('run: names and namespaces', { skip }, () => {
  let sandbox: RunSandbox

  before(async () => {
    sandbox = await createRunSandbox()
  })

  after(() => sandbox.close())

  const nameFlags = [
    ...['--add-host', 'web:10.9.8.7', '--add-host', 'me=host-gateway'],
    ...['--dns', '9.9.9.9', '--dns', '2001:db8::1', '--dns-search', 'a.test'],
    ...['--dns-option', 'ndots:3', '--dns-opt', 'rotate'],
  ]
  const resolvConf =
    'nameserver 9.9.9.9\nnameserver 2001:db8::1\nsearch a.test\noptions ndots:3 rotate'

  test('--add-host, --dns, --dns-search and --dns-option with a network, the host’s and none', async () => {
    for (const [network, gateway] of [
      ['bridge', /^\d+(\.\d+){3}\tme$/m],
      ['host', /^127\.0\.0\.1\tme$/m],
      ['none', undefined],
    ] as const) {
      const flags = ['--network', network, ...nameFlags]
      const shown = await sandbox.inside(flags, 'cat /etc/hosts; echo --; cat /etc/resolv.conf')
      const [hosts = '', conf] = shown.split('--\n')
      assert.equal(conf, resolvConf, network)
      assert.match(hosts, /^10\.9\.8\.7\tweb$/m, network)
      if (gateway === undefined) assert.doesNotMatch(hosts, /\tme$/m)
      else assert.match(hosts, gateway, network)
    }
    // What the name leads to is the host itself.
    const route = 'ip route | sed -n "s/default via \\([^ ]*\\).*/\\1/p"; grep me$ /etc/hosts'
    const [gateway, line] = (
      await sandbox.inside(['--network', 'bridge', ...nameFlags], route)
    ).split('\n')
    assert.equal(line, `${gateway}\tme`)
  })

  test('--dns-search . searches nowhere', async () => {
    const shown = await sandbox.inside(
      ['--dns-search', '.'],
      'grep -c search /etc/resolv.conf || :',
    )
    assert.equal(shown, '0')
  })

  test('--network, --pid and --ipc of another container, which inspect names by its id', async () => {
    const donor = await sandbox.succeeds(
      ...['run', '-d', '--name', 'donor', '--ipc', 'shareable', '--shm-size', '3m'],
      ...['--hostname', 'alpha', ...nameFlags, 'busybox', 'sleep', '99'],
    )
    const peer = 'container:donor'
    const joined = await sandbox.succeeds(
      ...['run', '-d', '--name', 'joined', '--network', peer, '--pid', peer, '--ipc', peer],
      ...['busybox', 'sleep', '98'],
    )
    const look = async (name: string, script: string): Promise<string> =>
      sandbox.succeeds('exec', name, 'sh', '-c', script)
    const both =
      'ip -o addr show eth0; hostname; cat /etc/hosts /etc/resolv.conf; ls -l /proc/self/ns'
    const namespaces = async (name: string): Promise<string> =>
      (await look(name, both))
        .replaceAll(/^.*(cgroup|mnt|uts|total).*\n?/gm, '')
        .replaceAll(/\d\d:\d\d/g, '')
    assert.equal(await namespaces('joined'), await namespaces('donor'))
    assert.match(await look('joined', 'ps'), /1 root +sleep 99[\s\S]*sleep 98/)
    await look('joined', 'echo shared > /dev/shm/note')
    assert.equal(
      await look('donor', 'cat /dev/shm/note; df /dev/shm | awk "NR == 2 { print \\$2 }"'),
      'shared\n3072',
    )

    const format =
      '{{with .HostConfig}}{{.NetworkMode}} {{.PidMode}} {{.IpcMode}}{{end}} ' +
      '{{.Config.Hostname}} {{json .NetworkSettings.Networks}}'
    assert.equal(
      await sandbox.succeeds('inspect', '-f', format, 'joined'),
      `container:${donor} container:${donor} container:${donor} alpha {}`,
    )
    const names =
      '{{with .HostConfig}}{{.IpcMode}} {{.Dns}} {{.DnsSearch}} {{.DnsOptions}} {{.ExtraHosts}}{{end}}'
    assert.equal(
      await sandbox.succeeds('inspect', '-f', names, 'donor'),
      'shareable [9.9.9.9 2001:db8::1] [a.test] [ndots:3 rotate] [web:10.9.8.7 me:host-gateway]',
    )

    // A second one joins through the first, and finds the same memory.
    assert.equal(
      await sandbox.inside(['--ipc', `container:${joined}`], 'cat /dev/shm/note'),
      'shared',
    )

    // The name may go to another: the id is what counts, and it must run.
    await sandbox.succeeds('rm', '-f', 'joined')
    const create = ['create', '--name', 'later', '--network', peer, 'busybox', 'true']
    await sandbox.succeeds(...create)
    await sandbox.succeeds('stop', '-t', '0', 'donor')
    const refused = await sandbox.run(['start', 'later'])
    assert.match(
      refused.stderr,
      /--network container:donor: is not running\nhint: tsctr start donor/,
    )
    assert.equal(refused.exitCode, 1)
    await sandbox.succeeds('rm', '-f', 'later', 'donor')
    assert.doesNotMatch(readFileSync('/proc/mounts', 'utf8'), new RegExp(`${sandbox.directory}/`))
  })

  test('a container that cannot be joined is named before anything is made', async () => {
    await sandbox.succeeds(
      'run',
      '-d',
      '--name',
      'closed',
      '--network',
      'none',
      'busybox',
      'sleep',
      '99',
    )
    for (const flag of ['--network', '--pid', '--ipc']) {
      const words = new RegExp(`^tsctr: ${flag} container nosuch: no such container`)
      await sandbox.refuses([flag, 'container:nosuch', 'busybox', 'true'], words)
    }
    await sandbox.refuses(
      ['--ipc', 'container:closed', '--network', 'none', 'busybox', 'true'],
      /^tsctr: --ipc container:closed: does not share its IPC namespace\nhint: run closed with --ipc/,
    )
    await sandbox.refuses(
      ['--network', 'container:closed', '--sysctl', 'net.core.somaxconn=9', 'busybox', 'true'],
      /^tsctr: sysctl net.core.somaxconn: would change others too/,
    )
    await sandbox.succeeds('rm', '-f', 'closed')
  })

  test('--network ns:PATH is that namespace', async () => {
    execFileSync('ip', ['netns', 'add', 'tsctr-test'])
    try {
      execFileSync('ip', ['-n', 'tsctr-test', 'addr', 'add', '10.1.2.3/32', 'dev', 'lo'])
      const flags = ['--network', 'ns:/run/netns/tsctr-test', '--add-host', 'web:10.1.2.3']
      const shown = await sandbox.inside(flags, 'ip -o -4 addr show lo; grep web /etc/hosts')
      assert.match(shown, /inet 10\.1\.2\.3\/32[\s\S]*10\.1\.2\.3\tweb/)
    } finally {
      execFileSync('ip', ['netns', 'del', 'tsctr-test'])
    }
    await sandbox.refuses(
      ['--network', 'ns:/run/netns/tsctr-test', 'busybox', 'true'],
      /^tsctr: --network ns:\/run\/netns\/tsctr-test: no such file/,
    )
  })

  test('--pid, --ipc, --uts, --userns and --cgroupns host are the host’s namespaces', async () => {
    const modes = ['--pid', '--ipc', '--uts', '--userns', '--cgroupns'].flatMap((f) => [f, 'host'])
    const shown = await sandbox.inside(
      modes,
      'hostname; for n in pid ipc uts user cgroup; do ls -l /proc/self/ns/$n | sed "s/.*-> //"; done',
    )
    const own = ['pid', 'ipc', 'uts', 'user', 'cgroup'].map((n) =>
      readlinkSync(`/proc/self/ns/${n}`),
    )
    assert.deepEqual(shown.split('\n'), [hostname(), ...own])
    const { stdout: id } = await sandbox.run(['create', ...modes, 'busybox', 'true'])
    const format =
      '{{with .HostConfig}}{{.PidMode}} {{.IpcMode}} {{.UTSMode}} {{.UsernsMode}} {{.CgroupnsMode}}{{end}}'
    assert.equal(
      await sandbox.succeeds('inspect', '-f', format, id.trim()),
      'host host host host host',
    )
    await sandbox.succeeds('rm', id.trim())
  })

  test('--ipc none has no /dev/shm', async () => {
    assert.equal(await sandbox.inside(['--ipc', 'none'], 'test -e /dev/shm || echo none'), 'none')
  })

  test('--rootfs takes a path from here', async () => {
    const directory = join(sandbox.directory, 'here/rootfs')
    mkdirSync(join(directory, 'bin'), { recursive: true })
    for (const name of ['proc', 'sys', 'dev', 'etc']) mkdirSync(join(directory, name))
    const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
    writeFileSync(join(directory, 'bin/echo'), readFileSync(busybox), { mode: 0o755 })
    const { stdout, stderr } = await sandbox.run(
      [
        '-c',
        'cd "$0" && exec "$@"',
        join(directory, '..'),
        sandbox.program,
        'run',
        '--rm',
        '--network',
        'none',
        '--rootfs',
        './rootfs',
        'echo',
        'relative',
      ],
      { program: 'sh' },
    )
    assert.equal(stdout, 'relative\n', stderr)
    await sandbox.refuses(
      ['--rootfs', 'nosuch', 'true'],
      /^tsctr: --rootfs \/.*\/nosuch: no such directory/,
    )
  })
})
