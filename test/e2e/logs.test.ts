import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type RunningCli, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsRegistry()

describe('tsctr logs', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await succeeds('pull', '-q', 'busybox')
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  async function succeeds(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return { stdout, stderr }
  }

  const shell = (script: string): string[] => ['--network', 'none', 'busybox', 'sh', '-c', script]

  /** A container that has run to its end. */
  async function ran(name: string, script: string): Promise<void> {
    await sandbox.run(['run', '--name', name, ...shell(script)])
  }

  /** Resolves when it has written so much. */
  function written({ child, finished }: RunningCli, text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      let seen = ''
      child.stdout?.on('data', (chunk: Buffer) => {
        seen += String(chunk)
        if (seen.includes(text)) resolve()
      })
      const early = (): void => reject(new Error(`${JSON.stringify(seen)} ended without ${text}`))
      void finished.then(early, reject)
    })
  }

  test('gives both streams back as they were written', async () => {
    await ran('both', 'echo out; echo err >&2; printf "no end"')
    const { stdout, stderr } = await succeeds('logs', 'both')
    assert.equal(stdout, 'out\nno end')
    assert.equal(stderr, 'err\n')
  })

  test('joins what the monitor has cut into parts, byte for byte', async () => {
    const script = `i=0; while [ $i -lt 3000 ]; do printf 'line %d ' $i; i=$((i+1)); done; echo`
    await ran('long', `${script}; ${script}; printf '\\377\\000\\r\\n'`)
    const line = `${Array.from({ length: 3000 }, (_, n) => `line ${n} `).join('')}\n`
    const { stdout } = await succeeds('logs', 'long')
    // The sandbox decodes what is no UTF-8.
    assert.equal(stdout, `${line}${line}\ufffd\0\r\n`)
    const tail = await succeeds('logs', '-n', '2', 'long')
    assert.equal(tail.stdout, `${line}\ufffd\0\r\n`)
  })

  test('--tail takes the last lines; what is no number of lines means all', async () => {
    await ran('three', 'echo 1; echo 2; echo 3')
    const tail = async (...flags: string[]): Promise<string> =>
      (await succeeds('logs', ...flags, 'three')).stdout
    assert.equal(await tail('--tail', '1'), '3\n')
    assert.equal(await tail('-n2'), '2\n3\n')
    assert.equal(await tail('-n', '0'), '')
    for (const all of ['all', '9', '-1', 'x'])
      assert.equal(await tail(`--tail=${all}`), '1\n2\n3\n')
  })

  test('-t begins lines with the time, --since and --until choose by it', async () => {
    await ran('timed', 'echo 1; sleep 0.1; echo 2; sleep 0.1; echo 3')
    const { stdout } = await succeeds('logs', '-t', 'timed')
    const lines = stdout.trimEnd().split('\n')
    const form = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z) ([123])$/
    const times = lines.map((line) => form.exec(line)?.[1] ?? assert.fail(line))
    assert.deepEqual(times, times.toSorted())
    const at = async (...flags: string[]): Promise<string> =>
      (await succeeds('logs', ...flags, 'timed')).stdout
    const [, second = ''] = times
    assert.equal(await at('--since', second), '2\n3\n')
    assert.equal(await at('--until', second), '1\n2\n')
    assert.equal(await at('--since', second, '--until', second), '2\n')
    const seconds = Date.parse(`${second.slice(0, 19)}Z`) / 1000
    assert.equal(await at('--since', `${seconds}${second.slice(19, 29)}`), '2\n3\n')
    assert.equal(await at('--since', '10m'), '1\n2\n3\n')
    assert.equal(await at('--until', '10m'), '')
  })

  test('-f follows until the container has ended and all is told', async () => {
    const gate = 'while [ ! -e /go ]; do sleep 0.05; done'
    const script = `echo first; ${gate}; i=0; while [ $i -lt 500 ]; do echo $i; i=$((i+1)); done`
    await succeeds('run', '-d', '--name', 'grows', ...shell(script))
    const following = sandbox.start(['logs', '-f', 'grows'])
    await written(following, 'first\n')
    // It may end before its exec has: then that is killed with it.
    await sandbox.run(['exec', 'grows', 'touch', '/go'])
    const { stdout, exitCode } = await following.finished
    assert.equal(exitCode, 0)
    assert.equal(stdout, `first\n${Array.from({ length: 500 }, (_, n) => `${n}\n`).join('')}`)
  })

  test('-f goes on when the container is started again, which adds to the log', async () => {
    const script = 'echo run; [ -e /again ] && sleep 0.5 && exit; touch /again; exit 3'
    await succeeds('create', '--name', 'again', '--restart', 'on-failure:3', ...shell(script))
    await succeeds('run', '-d', '--name', 'anew', ...shell('echo 1; sleep 1000'))
    const anew = sandbox.start(['logs', '-f', 'anew'])
    const [first, second] = [written(anew, '1\n'), written(anew, '1\n1\n')]
    await succeeds('start', 'again')
    const byPolicy = await succeeds('logs', '-f', 'again')
    assert.equal(byPolicy.stdout, 'run\nrun\n')
    await first
    await succeeds('restart', '-t', '0', 'anew')
    await second
    await succeeds('rm', '-f', 'anew')
    assert.equal((await anew.finished).stdout, '1\n1\n')
    assert.equal((await succeeds('logs', 'again')).stdout, 'run\nrun\n')
  })

  test('--stream shows one stream, and --tail then counts its lines', async () => {
    await ran('apart', 'for n in 1 2 3; do echo out $n; echo err $n >&2; done; echo end')
    const { stdout, stderr } = await succeeds('logs', '--stream', 'stderr', '-n2', 'apart')
    assert.equal(stderr, 'err 2\nerr 3\n')
    assert.equal(stdout, '')
    const out = await succeeds('logs', '--stream=stdout', 'apart')
    assert.deepEqual(out, { stdout: 'out 1\nout 2\nout 3\nend\n', stderr: '' })
    const bad = await sandbox.run(['logs', '--stream', 'stdin', 'apart'])
    assert.equal(bad.stderr, 'tsctr: --stream "stdin": must be stdout or stderr\n')
  })

  test('--clear forgets what was written; a container that runs goes on', async () => {
    const script = 'echo old; while [ ! -e /go ]; do sleep 0.05; done; echo new; sleep 1000'
    await succeeds('run', '-d', '--name', 'cleared', ...shell(script))
    const following = sandbox.start(['logs', '-f', 'cleared'])
    const isNew = written(following, 'new')
    await written(following, 'old')
    assert.deepEqual(await succeeds('logs', '--clear', 'cleared'), { stdout: '', stderr: '' })
    assert.equal((await succeeds('logs', 'cleared')).stdout, '')
    await succeeds('exec', 'cleared', 'touch', '/go')
    await isNew
    assert.equal((await succeeds('logs', 'cleared')).stdout, 'new\n')
    await succeeds('stop', '-t', '0', 'cleared')
    assert.equal((await following.finished).stdout, 'old\nnew\n')
    await succeeds('logs', '--clear', 'cleared')
    assert.equal((await succeeds('logs', 'cleared')).stdout, '')
    const { stderr, exitCode } = await sandbox.run(['logs', '--clear', '-f', 'cleared'])
    assert.equal(stderr, 'tsctr: --clear: contradicts flags for what to show\n')
    assert.equal(exitCode, 1)
  })

  // A file that is made empty under a monitor that floods it must hold no hole and no torn line.
  test('--clear of a log that is being flooded leaves whole records', async () => {
    await succeeds('run', '-d', '--name', 'flood', ...shell('while :; do echo yyyyyyyy; done'))
    for (let n = 0; n < 3; n += 1) await succeeds('logs', '--clear', 'flood')
    await succeeds('kill', 'flood')
    const { stdout } = await succeeds('logs', 'flood')
    assert.match(stdout, /^(yyyyyyyy\n)*$/)
    const path = (await succeeds('inspect', '-f', '{{.LogPath}}', 'flood')).stdout.trim()
    assert.equal(readFileSync(path).includes(0), false)
    await succeeds('rm', 'flood')
  })

  test('-f of a container that does not run returns', async () => {
    await ran('ended', 'echo done')
    assert.equal((await succeeds('logs', '-f', '--tail', '1', 'ended')).stdout, 'done\n')
    await succeeds('create', '--name', 'made', '--network', 'none', 'busybox', 'true')
    assert.equal((await succeeds('logs', '-f', 'made')).stdout, '')
  })

  test('-f ends when the container is removed, and with 130 on Ctrl-C', async () => {
    await succeeds('run', '-d', '--name', 'gone', ...shell('echo up; sleep 1000'))
    const [interrupted, following] = [['-f'], ['--follow']].map((flags) =>
      sandbox.start(['logs', ...flags, 'gone']),
    ) as [RunningCli, RunningCli]
    await Promise.all([written(interrupted, 'up'), written(following, 'up')])
    interrupted.child.kill('SIGINT')
    assert.equal((await interrupted.finished).exitCode, 130)
    await succeeds('rm', '-f', 'gone')
    assert.equal((await following.finished).exitCode, 0)
  })

  test('a reader that goes away ends it', async () => {
    await succeeds('run', '-d', '--name', 'endless', ...shell('while :; do echo y; done'))
    const following = sandbox.start(['logs', '-f', 'endless'])
    const { stdout } = following.child
    if (stdout === null) assert.fail('no stdout')
    await once(stdout, 'data')
    stdout.destroy()
    assert.equal((await following.finished).exitCode, 141)
    await succeeds('rm', '-f', 'endless')
  })

  test('a terminal’s output is all on stdout', async () => {
    await succeeds('run', '-d', '-t', '--name', 'tty', ...shell('echo out; echo err >&2'))
    await succeeds('wait', 'tty')
    assert.deepEqual(await succeeds('logs', 'tty'), { stdout: 'out\r\nerr\r\n', stderr: '' })
  })

  test('says what is wrong with what it was given', async () => {
    const missing = await sandbox.run(['logs', 'nobody'])
    assert.deepEqual(missing, {
      stdout: '',
      stderr: 'tsctr: container nobody: no such container\n',
      exitCode: 1,
    })
    const bad = await sandbox.run(['logs', '--since', 'yesterday', 'nobody'])
    assert.equal(bad.exitCode, 1)
    assert.match(bad.stderr, /^tsctr: --since "yesterday": not a time or time span\nhint: /)
  })
})
