import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import type { RunningCli } from '../helpers/cli.ts'
import { createRunSandbox, type RunSandbox } from '../helpers/run-sandbox.ts'
import { runInTerminal } from '../helpers/terminal.ts'

describe('attach', { skip: needsContainers() || needsRegistry() }, () => {
  let sandbox: RunSandbox
  before(async () => {
    sandbox = await createRunSandbox()
  })
  after(() => sandbox.close())

  async function container(flags: string, name: string, script: string): Promise<void> {
    const run = ['run', flags, '--name', name, '--network', 'none', 'busybox', 'sh', '-c', script]
    await sandbox.succeeds(...run)
  }

  async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + 20_000; Date.now() < deadline; await delay(50)) {
      if (await isSo()) return
    }
    assert.fail(what)
  }

  /** It is joined when the journal says so. */
  async function attach(
    name: string,
    ...flags: string[]
  ): Promise<RunningCli & { shown(): string }> {
    const attached = async (): Promise<number> => {
      const past = ['events', '--since', '1h', '--until', '0s', '--filter', 'event=attach']
      const events = await sandbox.succeeds(...past, '--filter', `container=${name}`)
      return events === '' ? 0 : events.split('\n').length
    }
    const before = await attached()
    const running = sandbox.start(['attach', ...flags, name], { keepsStdinOpen: true })
    let text = ''
    running.child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    await until(`not attached to ${name}`, async () => (await attached()) > before)
    return { ...running, shown: () => text }
  }

  async function status(name: string): Promise<string> {
    return sandbox.succeeds('inspect', '-f', '{{.State.Status}}', name)
  }

  test('several see what it writes, each may type, and each returns its exit code', async () => {
    await container('-di', 'many', 'read a; echo "a=$a"; read b; echo "b=$b" >&2; exit 5')
    const all = await Promise.all([attach('many'), attach('many'), attach('many', '--no-stdin')])
    const [first, second, watching] = all
    // It takes no input: nothing of this arrives.
    watching.child.stdin?.write('watching\n')
    first.child.stdin?.write('one\n')
    await until('a not shown', () => all.every(({ shown }) => shown() === 'a=one\n'))
    second.child.stdin?.write('two\n')
    for (const { finished } of all) {
      assert.deepEqual(await finished, { stdout: 'a=one\n', stderr: 'b=two\n', exitCode: 5 })
    }
    await sandbox.succeeds('rm', 'many')
  })

  test('passes signals on, without --sig-proxy=false', async () => {
    await container(
      '-d',
      'signals',
      `trap 'echo usr1' USR1; trap 'exit 7' TERM; while :; do sleep 0.1; done`,
    )
    const aside = await attach('signals', '--sig-proxy=false')
    aside.child.kill('SIGTERM')
    assert.equal((await aside.finished).exitCode, 143)
    assert.equal(await status('signals'), 'running')
    const proxy = await attach('signals')
    proxy.child.kill('SIGUSR1')
    await until('not passed on', () => proxy.shown() === 'usr1\n')
    proxy.child.kill('SIGTERM')
    assert.equal((await proxy.finished).exitCode, 7)
    await sandbox.succeeds('rm', 'signals')
  })

  test('to a terminal: left by keys with 1, ended by a terminal that hangs up, never the container', async () => {
    await container('-dit', 'term', 'while read line; do echo "got $line"; done')
    const { stdout } = await runInTerminal(sandbox, {
      script: 'echo turn; tsctr attach --detach-keys ctrl-x,x term',
      typed: { after: 'turn', keys: 'early\n\x18x' },
    })
    assert.match(stdout, /code=1\r\nterminal=restored/)
    const past = ['events', '--since', '1h', '--until', '0s', '--filter', 'event=detach']
    assert.match(
      await sandbox.succeeds(...past),
      /container detach [0-9a-f]{64} \(image=busybox, name=term\)$/,
    )
    const caller = join(sandbox.directory, 'caller')
    const line = `echo $$ >${caller}; exec ${sandbox.program} attach term`
    const terminal = sandbox.start(['-qfc', line, '/dev/null'], {
      program: 'script',
      keepsStdinOpen: true,
    })
    terminal.child.stdin?.write('word\n')
    let shown = ''
    terminal.child.stdout?.on('data', (chunk: Buffer) => {
      shown += chunk.toString()
    })
    await until('not joined', () => shown.includes('got word'))
    terminal.child.kill('SIGKILL')
    await terminal.finished
    const pid = readFileSync(caller, 'ascii').trim()
    await until('caller left', () => {
      try {
        return !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('attach')
      } catch {
        return true
      }
    })
    assert.equal(await status('term'), 'running')
    const { stderr, exitCode } = await sandbox.run(['attach', 'term'])
    assert.match(
      stderr,
      /^tsctr: container term: cannot attach stdin to a TTY-enabled container because stdin is not a terminal\nhint: /,
    )
    assert.equal(exitCode, 1)
    await sandbox.succeeds('rm', '-f', 'term')
  })

  test('refuses what does not run, in docker’s words', async () => {
    await sandbox.succeeds(
      'create',
      '--name',
      'still',
      '--network',
      'none',
      'busybox',
      'sleep',
      '1000',
    )
    const refuses = async (words: string, ...args: string[]): Promise<void> => {
      const { stdout, stderr, exitCode } = await sandbox.run([...args, 'still'])
      assert.match(stderr, new RegExp(`^tsctr: container still: ${words}\nhint: .*\n$`))
      assert.deepEqual({ stdout, exitCode }, { stdout: '', exitCode: 1 })
    }
    await refuses('cannot attach to a stopped container, start it first', 'attach')
    await sandbox.succeeds('start', 'still')
    await sandbox.succeeds('pause', 'still')
    await refuses('cannot attach to a paused container, unpause it first', 'attach')
    await refuses('cannot start a paused container, try unpause instead', 'start')
    await refuses('cannot start a paused container, try unpause instead', 'start', '-a')
    assert.equal(await status('still'), 'paused')
    await sandbox.succeeds('rm', '-f', 'still')
    const { stderr, exitCode } = await sandbox.run(['attach', 'nosuch'])
    assert.deepEqual([stderr, exitCode], ['tsctr: container nosuch: no such container\n', 1])
  })

  test('start -a -i: its input to the end, its output, its exit code, as often as it is started', async () => {
    const script = 'cat; echo end >&2; exit 6'
    const create = [
      'create',
      '-i',
      '--name',
      'again',
      '--network',
      'none',
      'busybox',
      'sh',
      '-c',
      script,
    ]
    await sandbox.succeeds(...create)
    for (const input of ['first\n', 'second\n']) {
      assert.deepEqual(await sandbox.run(['start', '-ai', 'again'], { input }), {
        stdout: input,
        stderr: 'end\n',
        exitCode: 6,
      })
    }
    await sandbox.succeeds('rm', 'again')
  })

  test('start -a takes part in one that runs, and passes signals on', async () => {
    await container('-d', 'runs', `trap 'exit 8' TERM; while :; do echo tick; sleep 0.1; done`)
    const running = sandbox.start(['start', '-a', 'runs'])
    await new Promise((resolve) => running.child.stdout?.once('data', resolve))
    running.child.kill('SIGTERM')
    const { stdout, exitCode } = await running.finished
    assert.match(stdout, /^tick\n/)
    assert.equal(exitCode, 8)
    const two = await sandbox.run(['start', '-a', 'runs', 'runs'])
    assert.equal(two.stderr, 'tsctr: start: cannot start and attach multiple containers at once\n')
    assert.equal(two.exitCode, 1)
    await sandbox.succeeds('rm', 'runs')
  })
})
