import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type RunningCli, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsRegistry()

// CVE-2022-1708, CVE-2025-64329: output that nobody reads has eaten a monitor's memory.
describe('a container that floods its output', { skip }, () => {
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

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  /** Read little of what it writes, until it is ended. */
  async function readSlowly({ child }: RunningCli): Promise<void> {
    const { stdout } = child
    if (stdout === null) assert.fail('no stdout')
    stdout.removeAllListeners('data')
    stdout.pause()
    while (child.exitCode === null && child.signalCode === null) {
      stdout.read(1024)
      await sleep(50)
    }
    stdout.resume()
  }

  // Fault list, b3 44.
  test('harms neither its monitor nor those who read it slowly', async () => {
    // The log is bounded, or the test fills the disk.
    const flags = ['--network', 'none', '--log-opt', 'max-size=1m']
    await succeeds('run', '-d', '--name', 'flood', ...flags, 'busybox', 'yes')
    const readers = [['attach'], ['logs', '-f']].map((args) =>
      sandbox.start([...args, 'flood'], { keepsStdinOpen: true, timeoutMs: 120_000 }),
    )
    const slow = readers.map(readSlowly)
    const id = (await succeeds('inspect', '-f', '{{.Id}}', 'flood')).trim()
    const monitor = readFileSync(`${sandbox.stateRoot}/default/${id}/conmon.pid`, 'utf8')
    const pids = [Number(monitor), ...readers.map(({ child }) => child.pid ?? 0)]
    await sleep(1500)
    const before = pids.map(residentKiB)
    await sleep(4000)
    const after = pids.map(residentKiB)
    for (const [n, kib] of after.entries()) {
      assert.ok(kib > 0, `${pids[n]} lives`)
      assert.ok(kib - (before[n] ?? 0) < 48 * 1024, `${before[n]} KiB became ${kib}`)
    }
    assert.ok((after[0] ?? 0) < 8 * 1024, `the monitor has ${after[0]} KiB`)
    // It does what it is asked beside that.
    assert.equal(await succeeds('exec', 'flood', 'echo', 'here'), 'here\n')
    assert.match(await succeeds('logs', '-n', '2', 'flood'), /^y\ny\n$/)
    await succeeds('kill', 'flood')
    assert.equal(await succeeds('wait', 'flood'), '137\n')
    for (const { child } of readers) child.kill('SIGKILL')
    await Promise.all([...slow, ...readers.map(({ finished }) => finished)])
    await succeeds('rm', 'flood')
  })

  test('is followed to its last byte, at a size that stays', async () => {
    const line = '0123456789'.repeat(10)
    const bytes = 200_000_000 - (200_000_000 % (line.length + 1))
    const script = `sleep 2; yes ${line} | head -c ${bytes}`
    const run = ['run', '-d', '--name', 'fast', '--network', 'none', 'busybox', 'sh', '-c', script]
    await succeeds(...run)
    const { child, finished } = sandbox.start(['logs', '-f', 'fast'], { timeoutMs: 300_000 })
    let seen = 0
    const sizes: number[] = []
    child.stdout?.removeAllListeners('data')
    child.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk.length
      // The first part is the program's own growing up.
      if (seen > (sizes.length + 1) * (bytes / 10)) sizes.push(residentKiB(child.pid ?? 0))
    })
    assert.equal((await finished).exitCode, 0)
    assert.equal(seen, bytes)
    const [early = 0, late = 0] = [sizes[2], sizes.at(-1)]
    assert.ok(late - early < 16 * 1024, `${sizes.join(', ')} KiB`)
    await succeeds('rm', 'fast')
  })
})

function residentKiB(pid: number): number {
  return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
}
