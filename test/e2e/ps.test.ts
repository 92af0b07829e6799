import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsRegistry()

describe('tsctr ps', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox
  const ids = new Map<string, string>()

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  async function make(verb: readonly string[], name: string, ...rest: string[]): Promise<void> {
    const args = [...verb, '--network', 'none', '--name', name, ...rest]
    ids.set(name, (await succeeds(...args)).trim())
  }

  const idOf = (name: string): string => ids.get(name) ?? assert.fail(name)
  const short = (name: string): string => idOf(name).slice(0, 12)

  test('on a machine without a store shows the titles and makes no store', async () => {
    const titles = 'CONTAINER ID   IMAGE     COMMAND   CREATED   STATUS    PORTS     NAMES\n'
    assert.equal(await succeeds('ps', '-a'), titles)
    assert.equal(existsSync(sandbox.dataRoot), false)
  })

  // A user who could not look into root's store was told that there are no containers.
  test('refuses to look into the store of somebody else', async () => {
    mkdirSync(sandbox.dataRoot, { mode: 0o700 })
    chmodSync(sandbox.directory, 0o755)
    for (const command of ['ps', 'info']) {
      const { stdout, stderr, exitCode } = await sandbox.run([command], {
        prefix: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'],
      })
      assert.equal(stdout, '')
      assert.match(stderr, /^tsctr: .*\/lib: belongs to user 0\nhint: .*\n$/)
      assert.equal(exitCode, 1)
    }
    rmdirSync(sandbox.dataRoot)
  })

  test('shows what runs, and with -a what has ended and what never ran', async () => {
    await make(['run', '-d'], 'up', '-l', 'tier=web', 'busybox', 'sleep', '1000')
    await make(['run', '-d'], 'ended', 'busybox:latest', 'sh', '-c', 'exit 3')
    await succeeds('wait', 'ended')
    await make(['create'], 'made', '-l', 'tier=db', 'busybox', 'true')
    const [titles = '', line = '', ...others] = (await succeeds('ps')).trimEnd().split('\n')
    assert.deepEqual(others, [])
    assert.match(titles, /^CONTAINER ID {3}IMAGE {5}COMMAND +CREATED +STATUS +PORTS +NAMES$/)
    const ago = String.raw`(Less than a second|\d+ seconds?) ago`
    assert.match(
      line,
      new RegExp(`^${short('up')} {3}busybox {3}"sleep 1000" +${ago} +Up .*second.* +up$`),
    )
    const fields = '{{.ID}} {{.Image}} {{.State}} {{.ExitCode}} {{.Names}}'
    assert.equal(
      await succeeds('ps', '-a', '--format', fields),
      [
        `${short('made')} busybox created 0 made`,
        `${short('ended')} busybox:latest exited 3 ended`,
        `${short('up')} busybox running 0 up\n`,
      ].join('\n'),
    )
    assert.match(
      await succeeds('ps', '-a', '--format', 'table {{.Names}}\t{{.Status}}'),
      new RegExp(`^NAMES +STATUS\nmade +Created\nended +Exited \\(3\\) ${ago}\nup +Up .*\n$`),
    )
  })

  test('-q prints ids, whole with --no-trunc; -l and -n choose the newest', async () => {
    assert.equal(await succeeds('ps', '-q'), `${short('up')}\n`)
    assert.equal(await succeeds('ps', '-q', '--no-trunc'), `${idOf('up')}\n`)
    assert.equal(await succeeds('container', 'ls', '-ql'), `${short('made')}\n`)
    assert.equal(await succeeds('ps', '-qn', '2'), `${short('made')}\n${short('ended')}\n`)
    const both = await sandbox.run(['ps', '-q', '--format', '{{.Names}}'])
    assert.equal(both.stdout, `${short('up')}\n`)
    assert.match(both.stderr, /^WARNING: /)
  })

  test('--filter chooses', async () => {
    const named = async (...filters: string[]): Promise<string> => {
      const flags = filters.flatMap((filter) => ['-f', filter])
      return (await succeeds('ps', '-a', '--format', '{{.Names}}', ...flags)).trim()
    }
    assert.equal(await named('label=tier'), 'made\nup')
    assert.equal(await named('label=tier=db'), 'made')
    assert.equal(await named('exited=3'), 'ended')
    assert.equal(await named('ancestor=busybox', 'status=running'), 'up')
    assert.equal(await named('ancestor=busybox:latest'), 'made\nended\nup')
    assert.equal(await named('ancestor=redis'), '')
    assert.equal(await named('since=up', 'before=made'), 'ended')
  })

  test('-s counts what the container has written', async () => {
    const size = async (): Promise<string> =>
      (await succeeds('ps', '--format', '{{.Size}}', '-f', 'name=up')).trim()
    const kilobytes = (text: string): number => Number(/^([\d.]+)kB \(virtual /.exec(text)?.[1])
    const before = kilobytes(await size())
    await succeeds('exec', 'up', 'dd', 'if=/dev/zero', 'of=/file', 'bs=1024', 'count=500')
    const after = kilobytes(await size())
    assert.ok(after - before >= 500 && after - before < 600, `${before} kB, then ${after} kB`)
    assert.match(await succeeds('ps', '-s'), /NAMES +SIZE\n.* up +[\d.]+kB \(virtual [\d.]+MB\)\n$/)
  })

  // What a reboot or a kill -9 leaves behind is no running container.
  test('a container whose processes were killed has exited', async () => {
    const { pid } = JSON.parse(
      await succeeds('ps', '--format', '{"pid":{{.Pid}}}', '-f', 'name=up'),
    )
    const inspected = (await succeeds('container', 'inspect', '-f', '{{.State.Pid}}', 'up')).trim()
    assert.equal(String(pid), inspected)
    process.kill(pid, 'SIGKILL')
    await succeeds('wait', 'up')
    assert.equal(await succeeds('ps', '-q'), '')
    assert.match(
      await succeeds('ps', '-a', '--format', '{{.Status}}', '-f', 'name=up'),
      /^Exited \(137\) /,
    )
  })

  test('says what is wrong with what it was given', async () => {
    const bad = await sandbox.run(['ps', '-f', 'colour=red'])
    assert.equal(bad.exitCode, 1)
    assert.match(bad.stderr, /^tsctr: --filter "colour=red": no such filter\nhint: id, name, /)
    const field = await sandbox.run(['ps', '-a', '--format', '{{.Nope}}'])
    assert.equal(field.exitCode, 1)
    assert.match(field.stderr, /^tsctr: template parsing error: .*Nope/)
    assert.equal((await sandbox.run(['ps', 'extra'])).exitCode, 1)
  })
})
