import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type RunResult, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsRegistry()

describe('tsctr run', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    const { exitCode, stderr } = await sandbox.run(['pull', 'busybox'])
    assert.equal(exitCode, 0, stderr)
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  function run(...args: string[]): Promise<RunResult> {
    return sandbox.run(['run', '--rm', '--network', 'none', ...args])
  }

  async function nothingIsLeft(): Promise<void> {
    assert.equal((await sandbox.run(['ps', '-aq'])).stdout, '')
    assert.deepEqual(readdirSync(join(sandbox.dataRoot, 'containers')), [])
    assert.deepEqual(readdirSync(join(sandbox.dataRoot, 'snapshots')), ['1'])
    // The runtime's own directory stays, without a container in it.
    const state = readdirSync(join(sandbox.stateRoot, 'default'), { recursive: true })
    assert.deepEqual(
      state.filter((name) => name !== '.runtime'),
      [],
    )
    assert.doesNotMatch(readFileSync('/proc/mounts', 'utf8'), new RegExp(`${sandbox.directory}/`))
  }

  test('exits as the program did', async () => {
    assert.equal((await run('busybox', 'sh', '-c', 'exit 3')).exitCode, 3)
    const killed = ['sh', '-c', 'sh -c "kill -TERM \\$\\$"; exit $?']
    assert.equal((await run('busybox', ...killed)).exitCode, 143)
    assert.equal((await run('--init', 'busybox', 'sh', '-c', 'kill -9 $$')).exitCode, 137)
    await nothingIsLeft()
  })

  test('exits with 127, 126 or 125 where there was no program to run, and leaves nothing', async () => {
    for (const [args, exitCode, words] of [
      [['busybox', 'nosuch'], 127, /^tsctr: .*"nosuch": executable file not found/],
      [['busybox', './nosuch'], 127, /^tsctr: .*no such file or directory/],
      [['busybox', '/etc'], 126, /^tsctr: .*permission denied/],
      [['busybox', '/etc/passwd'], 126, /^tsctr: .*permission denied/],
      [['--entrypoint', '', 'busybox'], 125, /^tsctr: no command or entrypoint/],
      [['--user', 'nosuch', 'busybox', 'true'], 125, /^tsctr: user "nosuch": /],
      [['--pull', 'never', 'nosuch'], 125, /^tsctr: image nosuch:latest: not here/],
      [['--device', '/dev/nosuch', 'busybox', 'true'], 125, /^tsctr: device \/dev\/nosuch: /],
      [
        ['--runtime', 'nosuch', 'busybox', 'true'],
        125,
        /^tsctr: --runtime nosuch: not installed\nhint: runc, crun, or the path/,
      ],
      [['--no-such-flag', 'busybox'], 125, /^tsctr: run: unknown option '--no-such-flag'/],
      [[], 125, /^tsctr: run: missing required argument 'image'/],
    ] as const) {
      const result = await run(...args)
      assert.match(result.stderr, words)
      assert.match(result.stderr, /^.*\n(hint: .*\n)?$/, 'one line and a hint')
      assert.equal(result.stdout, '')
      assert.equal(result.exitCode, exitCode, args.join(' '))
    }
    await nothingIsLeft()
  })

  test('keeps stdout and stderr apart', async () => {
    const { stdout, stderr } = await run('busybox', 'sh', '-c', 'echo out; echo err >&2')
    assert.deepEqual({ stdout, stderr }, { stdout: 'out\n', stderr: 'err\n' })
  })

  test('-i passes all of stdin and its end; without it there is none', async () => {
    const input = Buffer.alloc(64 * 2 ** 20, 'some bytes that are not all alike\n')
    const digest = createHash('sha256').update(input).digest('hex')
    const hashed = await sandbox.run(
      ['run', '--rm', '-i', '--network', 'none', 'busybox', 'sh', '-c', 'cat | sha256sum'],
      { input },
    )
    assert.equal(hashed.stdout, `${digest}  -\n`)
    const closed = await sandbox.run(['run', '--rm', '--network', 'none', 'busybox', 'cat'], {
      input: 'unseen',
    })
    assert.deepEqual(closed, { stdout: '', stderr: '', exitCode: 0 })
  })

  test('-it refuses a stdin that is no terminal', async () => {
    const { exitCode, stderr } = await run('-it', 'busybox', 'true')
    assert.equal(exitCode, 125)
    assert.match(stderr, /stdin is not a terminal/)
    const alone = await run('-t', 'busybox', 'sh', '-c', 'tty; echo err >&2')
    assert.deepEqual(alone, { stdout: '/dev/pts/0\r\nerr\r\n', stderr: '', exitCode: 0 })
  })

  test('signals reach the program, unless they are not to', async () => {
    const script = (signal: string): string[] => [
      'sh',
      '-c',
      `trap "exit 7" ${signal}; echo ready; while :; do sleep 0.05; done`,
    ]
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) {
      const args = ['run', '--rm', '--network', 'none', 'busybox', ...script(signal.slice(3))]
      const running = sandbox.start(args)
      await new Promise((resolve) => running.child.stdout?.once('data', resolve))
      running.child.kill(signal)
      assert.equal((await running.finished).exitCode, 7, signal)
    }
    const alone = sandbox.start([
      ...['run', '--name', 'alone', '--sig-proxy=false', '--network', 'none', 'busybox'],
      ...script('TERM'),
    ])
    await new Promise((resolve) => alone.child.stdout?.once('data', resolve))
    alone.child.kill('SIGTERM')
    assert.equal((await alone.finished).exitCode, 143)
    const { stdout } = await sandbox.run(['ps', '--format', '{{.Names}} {{.State}}'])
    assert.equal(stdout, 'alone running\n')
    await sandbox.run(['rm', '-f', 'alone'])
    await nothingIsLeft()
  })

  test('a name that is taken is refused and what has it stays', async () => {
    const create = ['create', '--name', 'taken', '--network', 'none', 'busybox', 'true']
    const { stdout: id } = await sandbox.run(create)
    const again = await run('--name', 'taken', 'busybox', 'true')
    assert.equal(again.exitCode, 125)
    assert.match(again.stderr, /^tsctr: .*taken/)
    assert.equal((await sandbox.run(['ps', '-aq', '--no-trunc'])).stdout, id)
    await sandbox.run(['rm', 'taken'])
    await nothingIsLeft()
  })

  // The file of a container that could not be started stayed, and stopped the next run of a script;
  // one that could not be written left its container.
  test('--cidfile is there exactly if the container is', async () => {
    const cidfile = join(sandbox.directory, 'cid')
    assert.equal((await run('--cidfile', cidfile, 'busybox', 'nosuch')).exitCode, 127)
    assert.equal(existsSync(cidfile), false)

    const nowhere = join(sandbox.directory, 'nowhere/cid')
    for (const verb of ['run', 'create']) {
      const refused = await sandbox.run([verb, '--cidfile', nowhere, 'busybox', 'true'])
      assert.equal(refused.exitCode, 125)
      assert.match(refused.stderr, /^tsctr: --cidfile .*nowhere\/cid: cannot be written: .*\n$/)
    }
    await nothingIsLeft()

    const create = ['create', '--cidfile', cidfile, '--network', 'none', 'busybox', 'true']
    const { stdout: id } = await sandbox.run(create)
    assert.equal(readFileSync(cidfile, 'ascii'), id.trim())
    const again = await sandbox.run(create)
    assert.equal(again.exitCode, 125)
    assert.match(again.stderr, /cid: file exists/)
    assert.equal((await sandbox.run(['rm', id.trim()])).exitCode, 0)
    await nothingIsLeft()
  })

  test('the program sees what the flags said', async () => {
    const directory = join(sandbox.directory, 'mounted')
    mkdirSync(directory)
    writeFileSync(join(directory, 'file'), 'from the host\n')
    writeFileSync(join(sandbox.directory, 'env'), '# comment\nFILE=1 "2"\nTOO=file\n')
    const env = [
      '--env-file',
      join(sandbox.directory, 'env'),
      '-e',
      'TOO=flag',
      '-e',
      'FROM_CALLER',
    ]
    const cases: readonly (readonly [readonly string[], string, string])[] = [
      [['-u', '1000:50'], 'id -u; id -g', '1000\n50\n'],
      [['--group-add', '77'], 'id -G', '0 77\n'],
      [['-w', '/made/for/it'], 'pwd', '/made/for/it\n'],
      [['-h', 'named', '--domainname', 'local'], 'hostname; cat /etc/hostname', 'named\nnamed\n'],
      [env, 'echo "$FILE,$TOO,$FROM_CALLER"', '1 "2",flag,kept\n'],
      [
        ['--read-only', '--tmpfs', '/tmp'],
        'touch /x 2>&1 || touch /tmp/x && echo $?',
        `${readOnly}0\n`,
      ],
      [
        ['-v', `${directory}:/m:ro`],
        'cat /m/file; touch /m/x 2>/dev/null || echo ro',
        'from the host\nro\n',
      ],
      [['--mount', `type=bind,src=${directory},dst=/m`], 'echo out >/m/made', ''],
      [
        ['--cap-drop', 'ALL', '--cap-add', 'CHOWN'],
        'grep CapEff /proc/self/status',
        'CapEff:\t0000000000000001\n',
      ],
      [['--security-opt', 'no-new-privileges'], 'grep NoNew /proc/self/status', 'NoNewPrivs:\t1\n'],
      [['--ulimit', 'nofile=64:128'], 'ulimit -n; ulimit -Hn', '64\n128\n'],
      [['--shm-size', '5m'], "df /dev/shm | awk 'NR==2 { print $2 }'", '5120\n'],
      [['--device', '/dev/zero:/dev/other'], 'head -c 3 /dev/other | wc -c', '3\n'],
      [['--umask', '027'], 'umask', '0027\n'],
      [['--pid', 'host'], `test -d /proc/${process.pid} && echo seen`, 'seen\n'],
      [['--privileged'], 'grep Seccomp: /proc/self/status', 'Seccomp:\t0\n'],
      [['--entrypoint', 'echo'], '', '-c\n'],
    ]
    for (const [flags, script, expected] of cases) {
      const program = flags[0] === '--entrypoint' ? ['-c'] : ['sh', '-c', script]
      const args = ['run', '--rm', '--network', 'none', ...flags, 'busybox', ...program]
      const result = await sandbox.run(args, { env: { FROM_CALLER: 'kept' } })
      assert.deepEqual(result, { stdout: expected, stderr: '', exitCode: 0 }, flags.join(' '))
    }
    assert.equal(readFileSync(join(directory, 'made'), 'utf8'), 'out\n')
  })
})

const readOnly = 'touch: /x: Read-only file system\n'
