import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import {
  CLONE_NEWNS,
  MNT_DETACH,
  MS_BIND,
  MS_PRIVATE,
  MS_REC,
  mount,
  umount2,
  unshare,
} from '../../src/host/libc.ts'
import { bridgeNameOf } from '../../src/network/default-network.ts'
import { needsContainers, needsNetwork, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const bootIdPath = '/proc/sys/kernel/random/boot_id'
const skip = needsContainers() || needsNetwork() || needsRegistry()

/** What a reboot takes: processes, mounts, the state root, interfaces, rules; and a new boot id. */
describe('after a reboot', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    // The mount over the boot id is this process's and its children's alone.
    unshare(CLONE_NEWNS)
    mount('none', '/', undefined, MS_REC | MS_PRIVATE)
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await succeeds('pull', '-q', 'busybox')
    await succeeds('create', '--name', 'never', 'busybox', 'true')
    await run('plain')
    await run('back', '--restart', 'always')
    await run('stopped', '--restart', 'unless-stopped')
    await succeeds('stop', '-t', '0', 'stopped')
    await succeeds('exec', 'plain', 'touch', '/kept')
    await reboot()
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }

  const run = (name: string, ...flags: string[]): Promise<string> =>
    succeeds('run', '-d', '--name', name, ...flags, 'busybox', 'sleep', '1000')

  async function reboot(): Promise<void> {
    for (const name of ['plain', 'back']) {
      const pid = Number(await succeeds('inspect', '-f', '{{.State.Pid}}', name))
      const monitor = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'ascii'))?.[1]
      // The monitor first: it would write down the end of the other.
      process.kill(Number(monitor), 'SIGKILL')
      process.kill(pid, 'SIGKILL')
    }
    await delay(200)
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
    for (const line of mounts.reverse()) {
      const path = line.split(' ')[4] ?? ''
      if (path.startsWith(`${sandbox.stateRoot}/`)) umount2(path, MNT_DETACH)
    }
    rmSync(sandbox.stateRoot, { recursive: true })
    const bridge = bridgeNameOf(sandbox.dataRoot)
    execFileSync('ip', ['link', 'del', bridge])
    execFileSync('nft', ['delete', 'table', 'inet', bridge])
    const newBootId = join(sandbox.directory, 'boot_id')
    writeFileSync(newBootId, `${randomUUID()}\n`)
    mount(newBootId, bootIdPath, undefined, MS_BIND)
  }

  test('nothing runs, and everything is listed with how it ended', async () => {
    assert.equal(await succeeds('ps', '-q'), '')
    const states = await succeeds('ps', '-a', '--format', '{{.Names}} {{.State}} {{.ExitCode}}')
    assert.deepEqual(states.split('\n').sort(), [
      'back exited 255',
      'never created 0',
      'plain exited 255',
      'stopped exited 137',
    ])
  })

  test('start brings one back with what it had written, on the network', async () => {
    await succeeds('start', 'plain')
    assert.equal(await succeeds('exec', 'plain', 'ls', '/kept'), '/kept')
    assert.match(await succeeds('exec', 'plain', 'ip', 'addr', 'show', 'eth0'), /inet 10\./)
  })

  test('system recover starts what its policy wants, and again nothing', async () => {
    assert.equal(await succeeds('system', 'recover'), 'back')
    assert.equal(await succeeds('system', 'recover'), '')
    const names = await succeeds('ps', '--format', '{{.Names}}')
    assert.deepEqual(names.split('\n').sort(), ['back', 'plain'])
  })

  test('a new container runs, and all of them can be removed', async () => {
    assert.equal(await succeeds('run', '--rm', 'busybox', 'echo', 'hello'), 'hello')
    await succeeds('rm', '-f', 'back', 'never', 'plain', 'stopped')
    assert.equal(await succeeds('ps', '-aq'), '')
  })
})
