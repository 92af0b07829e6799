import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createRunSandbox, type RunSandbox } from '../helpers/run-sandbox.ts'
import { runInTerminal } from '../helpers/terminal.ts'

/** What `look` finds, at last. */
async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await delay(100)) {
    const found = await look()
    if (found !== undefined) return found
  }
  return assert.fail(what)
}

interface ShownEvent {
  readonly Action: string
  readonly id: string
  readonly Actor: { readonly Attributes: Readonly<Record<string, string>> }
}

describe('the journal knows', { skip: needsContainers() || needsRegistry() }, () => {
  let sandbox: RunSandbox
  let id: string

  before(async () => {
    sandbox = await createRunSandbox()
    const run = ['run', '-dt', '--name', 'it', '--label', 'team=one', '--network', 'none']
    id = await sandbox.succeeds(...run, 'busybox', 'sleep', '1000')
  })
  after(() => sandbox.close())

  async function eventsOf(command: string): Promise<ShownEvent[]> {
    const past = ['events', '--since', '1h', '--until', '0s', '--format', 'json']
    const shown = (await sandbox.succeeds(...past)).split('\n').map((line) => JSON.parse(line))
    const create = (shown as ShownEvent[]).find((e) => e.Action === `exec_create: ${command}`)
    if (create === undefined) return []
    const execId = create.Actor.Attributes.execID
    return (shown as ShownEvent[]).filter(({ Actor }) => Actor.Attributes.execID === execId)
  }

  /** How a program ended is written beside it, so it may come a moment after the command. */
  async function endOf(command: string): Promise<ShownEvent[]> {
    return until(`${command} has not ended`, async () => {
      const events = await eventsOf(command)
      return events.at(-1)?.Action === 'exec_die' ? events : undefined
    })
  }

  for (const [flags, command, exitCode] of [
    [[], ['sh', '-c', 'exit 3'], '3'],
    [['-t'], ['sh', '-c', 'exit 4'], '4'],
    [['-d'], ['sh', '-c', 'exit 5'], '5'],
  ] as const) {
    test(`exec ${flags.join(' ')}: its creation, start and end`, async () => {
      await sandbox.run(['exec', ...flags, 'it', ...command])
      const events = await endOf(command.join(' '))
      assert.deepEqual(
        events.map(({ Action }) => Action),
        [`exec_create: ${command.join(' ')}`, `exec_start: ${command.join(' ')}`, 'exec_die'],
      )
      for (const event of events) {
        const { execID, image, name, team } = event.Actor.Attributes
        assert.match(execID ?? '', /^[0-9a-f]{64}$/)
        assert.deepEqual(
          { id: event.id, image, name, team },
          { id, image: 'busybox', name: 'it', team: 'one' },
        )
      }
      assert.equal(events.at(-1)?.Actor.Attributes.exitCode, exitCode)
    })
  }

  test('the end of an exec whose caller was killed', async () => {
    const running = sandbox.start(['exec', 'it', 'sleep', '3001'])
    await until('not begun', async () => (await eventsOf('sleep 3001'))[1])
    running.child.kill('SIGKILL')
    await running.finished
    const { Attributes } = (await endOf('sleep 3001')).at(-1)?.Actor ?? assert.fail()
    assert.equal(Attributes.exitCode, '137')
  })

  test('an exec while `events` follows, and `--filter event=exec_create`', async () => {
    const following = sandbox.start([
      'events',
      '--filter',
      'event=exec_create',
      '--filter',
      'event=exec_die',
    ])
    let shown = ''
    following.child.stdout?.on('data', (chunk: Buffer) => {
      shown += chunk.toString()
    })
    // It has nothing to show when it has begun: until then nothing that is run counts.
    for (let round = 0; !/exec_die/.test(shown); round += 1) {
      assert.ok(round < 100, shown)
      await sandbox.succeeds('exec', 'it', 'true')
      await delay(200)
    }
    following.child.kill('SIGINT')
    await following.finished
    assert.match(
      shown,
      /container exec_create: true [0-9a-f]{64} \(execID=[0-9a-f]{64}, image=busybox, name=it, team=one\)/,
    )
    assert.match(
      shown,
      /container exec_die [0-9a-f]{64} \(execID=[0-9a-f]{64}, exitCode=0, image=busybox, name=it, team=one\)/,
    )
    assert.doesNotMatch(shown, /exec_start/)
  })

  test('that somebody left by keys', async () => {
    const { stdout } = await runInTerminal(sandbox, {
      script: `tsctr exec -it it sh -c 'echo beg''un; exec sleep 3002'`,
      typed: { after: 'begun', keys: '\x10\x11' },
    })
    assert.match(stdout, /code=0/)
    const [execId] = JSON.parse(
      await sandbox.succeeds('inspect', 'it', '--format', '{{json .ExecIDs}}'),
    )
    const command = 'sh -c echo begun; exec sleep 3002'
    const events = await eventsOf(command)
    assert.deepEqual(
      events.map(({ Action }) => Action),
      [`exec_create: ${command}`, `exec_start: ${command}`, 'exec_detach'],
    )
    assert.equal(events[0]?.Actor.Attributes.execID, execId)
    await sandbox.succeeds('exec', 'it', 'killall', 'sleep')
  })

  test('inspect names execs while they run', async () => {
    await sandbox.succeeds('restart', '-t', '0', 'it')
    const execIds = async (): Promise<unknown> =>
      JSON.parse(await sandbox.succeeds('inspect', 'it', '--format', '{{json .ExecIDs}}'))
    assert.equal(await execIds(), null)
    const running = sandbox.start(['exec', '-i', 'it', 'cat'], { keepsStdinOpen: true })
    await sandbox.succeeds('exec', '-d', 'it', 'sleep', '3003')
    const ids = await until('not both', async () => {
      const shown = await execIds()
      return Array.isArray(shown) && shown.length === 2 ? shown : undefined
    })
    const begun = [...(await eventsOf('cat')), ...(await eventsOf('sleep 3003'))]
    const expected = new Set(begun.map(({ Actor }) => Actor.Attributes.execID))
    assert.deepEqual(new Set(ids), expected)
    running.child.stdin?.end()
    assert.equal((await running.finished).exitCode, 0)
    await sandbox.succeeds('exec', 'it', 'killall', '-9', 'sleep')
    await until('not ended', async () => ((await execIds()) === null ? true : undefined))
  })
})
