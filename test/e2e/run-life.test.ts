import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createRunSandbox, type RunSandbox } from '../helpers/run-sandbox.ts'

const skip = needsContainers() || needsRegistry()

describe('run: what is run, by whom and how long', { skip }, () => {
  let sandbox: RunSandbox

  before(async () => {
    sandbox = await createRunSandbox()
  })

  after(() => sandbox.close())

  test('--timeout kills it, with the code of SIGKILL', async () => {
    const startedMs = Date.now()
    const run = ['run', '--name', 'short', '--timeout', '1', '--network', 'none', 'busybox']
    const { exitCode } = await sandbox.run([...run, 'sleep', '55'])
    assert.equal(exitCode, 137)
    assert.ok(Date.now() - startedMs < 50_000)
    const format = '{{.State.Status}} {{.State.ExitCode}} {{.Config.Timeout}}'
    assert.equal(await sandbox.succeeds('inspect', '-f', format, 'short'), 'exited 137 1')
    await sandbox.succeeds('rm', 'short')
  })

  test('--replace removes the container of that name, and no other', async () => {
    const detached = ['run', '-d', '--network', 'none']
    const first = await sandbox.succeeds(...detached, '--name', 'web', 'busybox', 'sleep', '99')
    // Its name is the beginning of the other's id.
    const start = first.slice(0, 4)
    const other = await sandbox.succeeds('create', '--replace', '--name', start, 'busybox', 'true')
    const second = await sandbox.succeeds(
      ...[...detached, '--replace', '--name', 'web', 'busybox', 'sleep', '99'],
    )
    const left = (await sandbox.succeeds('ps', '-aq', '--no-trunc')).split('\n').sort()
    assert.deepEqual(left, [other, second].sort())
    // What cannot be made leaves what is there.
    const refused = ['--replace', '--name', 'web', '--pull', 'never', 'nosuch']
    await sandbox.refuses(refused, /^tsctr: image nosuch:latest: not here/)
    const nowhere = ['--replace', '--name', 'web', '--network', 'container:nosuch', 'busybox']
    await sandbox.refuses(nowhere, /^tsctr: --network container nosuch: no such container/)
    assert.equal(await sandbox.succeeds('inspect', '-f', '{{.State.Status}}', 'web'), 'running')
    await sandbox.succeeds('rm', '-f', 'web', start)
  })

  test('what runs beside a container is small, and none of it is tsctr', async () => {
    const flags = ['--rm', '--timeout', '999', '--health-cmd', 'true', '--health-interval', '1s']
    const log = ['--log-opt', 'max-size=1m', '--log-opt', 'max-file=3']
    const id = await sandbox.succeeds(
      ...['run', '-d', '--name', 'beside', '--network', 'none', ...flags, ...log],
      ...['busybox', 'sleep', '99'],
    )
    await sandbox.succeeds('wait', '--condition', 'healthy', 'beside')
    // The check that made it healthy has started tsctr for a moment.
    await sleep(1500)
    const beside = readdirSync('/proc').flatMap((pid) => {
      if (!/^\d+$/.test(pid)) return []
      try {
        const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        const status = readFileSync(`/proc/${pid}/status`, 'utf8')
        const residentKiB = Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1])
        const name = /^Name:\s*(.*)$/m.exec(status)?.[1] ?? ''
        return args.includes(id) ? [{ name, residentKiB }] : []
      } catch {
        return []
      }
    })
    const names = new Set(beside.map(({ name }) => name))
    assert.ok(names.has('conmon'), [...names].join(' '))
    assert.deepEqual(
      [...names].filter((name) => !/^(conmon|sh|dash|tail|runc.*)$/.test(name)),
      [],
    )
    for (const { name, residentKiB } of beside) {
      if (!name.startsWith('runc'))
        assert.ok(residentKiB <= 3 * 1024, `${name}: ${residentKiB} KiB`)
    }
    await sandbox.succeeds('rm', '-f', 'beside')
  })

  // A server that takes commands on stdin is told one after the other: `echo save | docker attach`.
  test('run -d -i: stdin stays open when whoever was attached has ended', async () => {
    const script = 'read one; read two; echo "$one, $two"'
    const detached = ['run', '-d', '-i', '--name', 'told', '--network', 'none', 'busybox']
    await sandbox.succeeds(...detached, 'sh', '-c', script)
    for (const word of ['first', 'second']) {
      const input = `echo ${word} | timeout -s KILL 3 ${sandbox.program} attach told; :`
      await sandbox.run(['-c', input], { program: 'sh' })
    }
    assert.equal(await sandbox.succeeds('wait', 'told'), '0')
    assert.equal(await sandbox.succeeds('logs', 'told'), 'first, second')
    await sandbox.succeeds('rm', 'told')
  })

  test('-e NAME without a value takes a variable of the image out, with exec too', async () => {
    const run = [
      'run',
      '-d',
      '--name',
      'bare',
      '--network',
      'none',
      '-e',
      'HOSTNAME',
      '-e',
      'NEVER',
    ]
    const env = { HOSTNAME: undefined, NEVER: undefined }
    const { exitCode } = await sandbox.run([...run, 'busybox', 'sleep', '99'], { env })
    assert.equal(exitCode, 0)
    const inside = await sandbox.succeeds('exec', 'bare', 'cat', '/proc/1/environ')
    assert.deepEqual(
      inside.split('\0').map((entry) => entry.replace(/=.*/s, '')),
      ['PATH', 'HOME', ''],
    )
    const exec = ['exec', '-e', 'TERM=dumb', '-e', 'TERM', 'bare', 'env']
    const { stdout } = await sandbox.run(exec, { env: { TERM: undefined } })
    assert.doesNotMatch(stdout, /TERM|HOSTNAME/)
    await sandbox.succeeds('rm', '-f', 'bare')
  })

  test('--runtime takes a path', async () => {
    const path = join(sandbox.directory, 'runtime')
    const runc = execFileSync('sh', ['-c', 'command -v runc'], { encoding: 'utf8' }).trim()
    writeFileSync(path, `#!/bin/sh\necho "$@" >>${path}.calls\nexec ${runc} "$@"\n`, {
      mode: 0o755,
    })
    assert.equal(await sandbox.inside(['--runtime', path], 'echo runs'), 'runs')
    assert.match(readFileSync(`${path}.calls`, 'utf8'), / create [\s\S]* start /)
    await sandbox.refuses(
      ['--runtime', `${path}.calls`, 'busybox', 'true'],
      /^tsctr: --runtime .*runtime\.calls: not an executable file\nhint: runc, crun, or the path/,
    )
  })

  test('--dotenv-file reads quotes, --env-file does not', async () => {
    const path = join(sandbox.directory, 'env')
    writeFileSync(path, `A='one two'\nB="a\\tb"\n`)
    const script = 'printf "%s|%s" "$A" "$B"'
    assert.equal(await sandbox.inside(['--dotenv-file', path], script), 'one two|a\tb')
    assert.equal(await sandbox.inside(['--env-file', path], script), `'one two'|"a\\tb"`)
    writeFileSync(path, 'A=1\nB="open\n')
    await sandbox.refuses(
      ['--dotenv-file', path, 'busybox', 'true'],
      /^tsctr: --dotenv-file .*env: line 2: the quote " of B is not closed/,
    )
  })

  // It ran without a word, and the user wondered about "exec format error" elsewhere.
  test('an image of another platform is warned about on stderr', async () => {
    const run = ['run', '--rm', '--network', 'none', '--platform', 'linux/s390x', 'busybox', 'true']
    const { stderr, exitCode } = await sandbox.run(run)
    assert.equal(
      stderr.split('\n').at(-2),
      `WARNING: The requested image's platform (${await platformOf('busybox')}) does not match the ` +
        'specified platform (linux/s390x)',
    )
    assert.equal(exitCode, 0)
    const fitting = ['run', '--rm', '--network', 'none', 'busybox', 'true']
    assert.deepEqual(await sandbox.run(fitting), { stdout: '', stderr: '', exitCode: 0 })
  })

  async function platformOf(image: string): Promise<string> {
    return sandbox.succeeds('image', 'inspect', '-f', '{{.Os}}/{{.Architecture}}', image)
  }

  test('exec: -d, --env-file, --dotenv-file, -e, -u, -w and --privileged', async () => {
    await sandbox.succeeds(
      ...['run', '-d', '--name', 'entered', '--network', 'none', '-e', 'A=run', '-e', 'B=run'],
      ...['busybox', 'sleep', '99'],
    )
    const envFile = join(sandbox.directory, 'exec-env')
    writeFileSync(envFile, 'B="file"\n')
    const exec = (...args: string[]): Promise<string> => sandbox.succeeds('exec', ...args)
    const show = ['entered', 'sh', '-c', 'echo "$A $B $C"; pwd; id -u']
    const flags = ['-e', 'C=flag', '-u', '12', '-w', '/tmp']
    assert.equal(await exec('--env-file', envFile, ...flags, ...show), 'run "file" flag\n/tmp\n12')
    assert.equal(await exec('--dotenv-file', envFile, ...show), 'run file \n/\n0')

    const capabilities = ['entered', 'grep', 'CapEff', '/proc/self/status']
    const all = await exec('--privileged', ...capabilities)
    assert.notEqual(all, await exec(...capabilities))
    const own = /^CapPrm:\s+(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    assert.equal(all, `CapEff:\t${own}`)

    // It waited for the end of the program, which had its output.
    assert.equal(await exec('-d', 'entered', 'sh', '-c', 'echo out; echo err >&2; sleep 97; :'), '')
    assert.equal(await exec('-dt', 'entered', 'sh', '-c', 'tty >/tmp/tty; sleep 96; :'), '')
    assert.match(await exec('entered', 'ps'), /sleep 97[\s\S]*sleep 96/)
    assert.equal(await exec('entered', 'cat', '/tmp/tty'), '/dev/pts/0')
    const missing = await sandbox.run(['exec', '-d', 'entered', 'nosuch'])
    assert.match(
      missing.stderr,
      /^tsctr: container entered: exec "nosuch": executable file not found/,
    )
    assert.equal(missing.exitCode, 127)
    const refused = await sandbox.run(['exec', '-w', 'tmp', 'entered', 'true'])
    assert.match(refused.stderr, /^tsctr: --workdir "tmp": must be an absolute path\n$/)
    assert.equal(refused.exitCode, 125)
    await sandbox.succeeds('rm', '-f', 'entered')
  })
})
