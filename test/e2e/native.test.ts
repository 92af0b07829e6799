import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { mountAll } from '../../src/host/mount.ts'
import { overlayOptions } from '../../src/snapshot/overlay-options.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsRegistry()

/** As inside of another engine's container: what is overlay itself can be no overlay's upperdir. */
describe('a data root on overlay', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    mountOverlay(sandbox)
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

  test('a container runs on a whole copy of the image, which goes with it', async () => {
    const passwd = ['run', '--name', 'copy', '--network', 'none', 'busybox', 'cat', '/etc/passwd']
    assert.match(await succeeds(...passwd), /^root:/)
    const [container] = JSON.parse(await succeeds('inspect', 'copy')) as [{ Driver: string }]
    assert.equal(container.Driver, 'native')
    assert.ok(readdirSync(join(sandbox.dataRoot, 'snapshots/2/fs')).includes('bin'))
    await succeeds('rm', 'copy')
    assert.deepEqual(readdirSync(join(sandbox.dataRoot, 'snapshots')), ['1'])
  })

  test('an image is mounted as a read-only copy, which goes with the mount', async () => {
    const target = (await succeeds('image', 'mount', 'busybox')).trim()
    assert.match(readFileSync(join(target, 'etc/passwd'), 'utf8'), /^root:/)
    assert.throws(() => mkdirSync(join(target, 'new')), { code: 'EROFS' })
    assert.equal(await succeeds('image', 'unmount', 'busybox'), `${target}\n`)
    assert.deepEqual(readdirSync(join(sandbox.dataRoot, 'snapshots')), ['1'])
  })

  // Overlay lets nobody make a character device 0:0 or the attribute of an opaque directory on itself.
  test('what the layers of an image delete is not in the copy', async () => {
    const script = 'ls /etc/motd /usr/share/redis/removed; ls /usr/share/doc; exit 0'
    const run = ['run', '--rm', '--network', 'none', '--entrypoint', 'sh', 'redis:alpine']
    assert.equal(await succeeds(...run, '-c', script), 'redis.txt\n')
  })

  test('diff and commit find what differs between a copy and its image', async () => {
    const script = 'rm /etc/passwd; echo new > /new; ln /new /hard; chmod 700 /tmp'
    await succeeds('run', '--name', 'changed', '--network', 'none', 'busybox', 'sh', '-c', script)
    const lines = ['A /hard', 'A /new', 'C /etc', 'C /tmp', 'D /etc/passwd']
    const diff = (await succeeds('diff', 'changed')).trimEnd().split('\n')
    assert.deepEqual(diff.toSorted(), lines)
    await succeeds('commit', 'changed', 'changed:1')
    const look = 'ls /etc/passwd; cat /hard; stat -c "%h %a" /new; stat -c %a /tmp'
    const run = ['run', '--rm', '--network', 'none', 'changed:1', 'sh', '-c', look]
    assert.equal(await succeeds(...run), 'new\n2 644\n700\n')
  })
})

function mountOverlay({ directory, dataRoot }: Sandbox): void {
  const names = ['lower', 'upper', 'work'].map((name) => join(directory, name))
  for (const path of [...names, dataRoot]) mkdirSync(path)
  const [lower = '', upperdir = '', workdir = ''] = names
  const options = overlayOptions({ lowerdirsTopFirst: [lower], upperdir, workdir })
  mountAll([{ type: 'overlay', source: 'overlay', options }], dataRoot)
}
