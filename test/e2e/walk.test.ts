import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsNetwork, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { usersOf } from '../helpers/leaks.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsNetwork() || needsRegistry()

/** The first acceptance test: each step stands on the one before, as a user would go. */
describe('the walk from pull to rm', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox
  let id = ''

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

  function overlayMounts(): string[] {
    return readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('overlay ') && line.includes(sandbox.directory))
  }

  test('pull prints the canonical name alone and leaves nine blobs named by their digests', async () => {
    assert.equal(await succeeds('pull', 'redis:alpine'), 'docker.io/library/redis:alpine\n')
    const blobs = join(sandbox.dataRoot, 'content/blobs/sha256')
    const names = readdirSync(blobs)
    assert.equal(names.length, 9)
    for (const name of names) {
      const bytes = readFileSync(join(blobs, name))
      assert.equal(createHash('sha256').update(bytes).digest('hex'), name)
    }
  })

  test('its six layers are the committed snapshots 1 to 6 under their chainIDs', async () => {
    const rows = (await succeeds('snapshot', 'ls', '--no-trunc', '--format', 'json'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual(
      rows.map((row) => String(row.Number)),
      ['1', '2', '3', '4', '5', '6'],
    )
    const [image] = JSON.parse(await succeeds('image', 'inspect', 'redis:alpine')) as [
      { RootFS: { Layers: string[] } },
    ]
    let chainID = ''
    for (const [index, diffID] of image.RootFS.Layers.entries()) {
      const stack = createHash('sha256').update(`${chainID} ${diffID}`).digest('hex')
      chainID = chainID === '' ? diffID : `sha256:${stack}`
      assert.equal(rows[index]?.Key, chainID)
    }
    assert.deepEqual(readdirSync(join(sandbox.dataRoot, 'snapshots')).sort(), [
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
    ])
  })

  test('run -d prints the id, adds snapshot 7 and mounts one overlay of all seven', async () => {
    id = (await succeeds('run', '-d', '--name', 'redis', 'redis:alpine')).trim()
    assert.match(id, /^[0-9a-f]{64}$/)
    const [line, ...others] = overlayMounts()
    assert.deepEqual(others, [])
    const [, target, , options = ''] = (line ?? '').split(' ')
    assert.equal(target, join(sandbox.stateRoot, 'default', id, 'rootfs'))
    const snapshots = join(sandbox.dataRoot, 'snapshots')
    const lowerdirs = [6, 5, 4, 3, 2, 1].map((n) => `${snapshots}/${n}/fs`).join(':')
    assert.ok(options.includes(`lowerdir=${lowerdirs},`), options)
    assert.ok(options.includes(`upperdir=${snapshots}/7/fs,workdir=${snapshots}/7/work`), options)
  })

  test('one conmon watches it', () => {
    const pidFile = join(sandbox.stateRoot, 'default', id, 'conmon.pid')
    const pid = readFileSync(pidFile, 'ascii').trim()
    assert.equal(readFileSync(`/proc/${pid}/comm`, 'ascii').trim(), 'conmon')
  })

  test('exec answers from inside', async () => {
    await eventually(async () => {
      assert.equal(await succeeds('exec', 'redis', 'redis-cli', 'ping'), 'PONG\n')
    })
  })

  test('a file made in the container lies in snapshot 7 on the host', async () => {
    await succeeds('exec', 'redis', 'sh', '-c', 'echo kept > /made-inside')
    const path = join(sandbox.dataRoot, 'snapshots/7/fs/made-inside')
    assert.equal(readFileSync(path, 'utf8'), 'kept\n')
  })

  test('logs shows what redis said', async () => {
    assert.match(await succeeds('logs', 'redis'), /Ready to accept connections/)
  })

  test('ps and inspect tell the truth', async () => {
    assert.match(
      await succeeds('ps', '--format', '{{.Names}} {{.Image}} {{.State}}'),
      /^redis redis:alpine running$/m,
    )
    const [state] = JSON.parse(await succeeds('inspect', 'redis')) as [
      { Id: string; State: { Status: string; Pid: number } },
    ]
    assert.equal(state.Id, id)
    assert.equal(state.State.Status, 'running')
    assert.equal(readFileSync(`/proc/${state.State.Pid}/comm`, 'ascii').trim(), 'redis-server')
  })

  test('a second and a third container share snapshots 1 to 6', async () => {
    await succeeds('run', '-d', '--name', 'redis2', 'redis:alpine')
    await succeeds('run', '-d', '--name', 'redis3', 'redis:alpine')
    assert.deepEqual(
      readdirSync(join(sandbox.dataRoot, 'snapshots')).map(Number).sort(),
      [1, 2, 3, 4, 5, 6, 7, 8, 9],
    )
    assert.equal(overlayMounts().length, 3)
    await succeeds('rm', '-f', 'redis2', 'redis3')
    assert.equal(overlayMounts().length, 1)
  })

  test('stop ends it with SIGTERM and ps -a says Exited (0)', async () => {
    assert.equal(await succeeds('stop', 'redis'), 'redis\n')
    assert.match(
      await succeeds('ps', '-a', '--format', '{{.Names}} {{.Status}}'),
      /^redis Exited \(0\)/m,
    )
    assert.match(await succeeds('logs', 'redis'), /Received SIGTERM|User requested shutdown/)
    assert.deepEqual(overlayMounts(), [])
  })

  test('start runs it again with what it had written', async () => {
    assert.equal(await succeeds('start', 'redis'), 'redis\n')
    assert.equal(await succeeds('exec', 'redis', 'cat', '/made-inside'), 'kept\n')
  })

  test('rm -f leaves no mount, no network, no directory, no process', async () => {
    await succeeds('rm', '-f', 'redis')
    assert.equal(await succeeds('ps', '-aq'), '')
    assert.equal(existsSync(join(sandbox.dataRoot, 'containers', id)), false)
    assert.equal(existsSync(join(sandbox.dataRoot, 'snapshots/7')), false)
    assert.equal(existsSync(join(sandbox.stateRoot, 'default', id)), false)
    await eventually(async () => {
      const left = usersOf(sandbox.directory).filter((line) => !line.startsWith('file '))
      assert.deepEqual(left, [])
      const veths = readdirSync('/sys/class/net').filter((name) => name.startsWith('veth'))
      assert.deepEqual(veths, [])
    })
  })

  test('two pulls at once fetch each blob once', async () => {
    await succeeds('rmi', 'redis:alpine')
    assert.deepEqual(readdirSync(join(sandbox.dataRoot, 'content/blobs/sha256')), [])
    const earlier = (await registry.accessLog()).length
    const pulls = await Promise.all([
      sandbox.run(['pull', 'redis:alpine']),
      sandbox.run(['pull', 'redis:alpine']),
    ])
    for (const { exitCode, stderr } of pulls) assert.equal(exitCode, 0, stderr)
    const paths = (await registry.accessLog())
      .slice(earlier)
      .filter(
        ({ method, path, status }) => method === 'GET' && path.includes('/blobs/') && status < 400,
      )
      .map(({ path }) => path)
    assert.equal(paths.length, 7)
    assert.equal(new Set(paths).size, 7)
  })
})

/** Processes and interfaces end a moment after the command that ended them. */
async function eventually(check: () => Promise<void>): Promise<void> {
  const deadlineMs = Date.now() + 10_000
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > deadlineMs) throw error
      await delay(50)
    }
  }
}
