import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

describe('restart policies', { skip: needsContainers() || needsRegistry() }, () => {
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
    return stdout.trim()
  }

  const run = (name: string, policy: string, ...args: string[]): Promise<string> =>
    succeeds('run', '-d', '--name', name, '--network', 'none', '--restart', policy, ...args)

  const field = (name: string, template: string): Promise<string> =>
    succeeds('inspect', '-f', template, name)

  async function until(name: string, template: string, wanted: string): Promise<void> {
    const deadlineMs = Date.now() + 30_000
    for (;;) {
      const shown = await field(name, template)
      if (shown === wanted) return
      assert.ok(Date.now() < deadlineMs, `${name} ${template}: ${shown}, not ${wanted}`)
      await delay(50)
    }
  }

  test('on-failure:2 runs a failing program three times, and keeps its code and whole log', async () => {
    await run('failing', 'on-failure:2', 'busybox', 'sh', '-c', 'echo once; exit 7')
    await until('failing', '{{.RestartCount}} {{.State.Status}}', '2 exited')
    assert.equal(await field('failing', '{{.State.ExitCode}}'), '7')
    assert.equal(await succeeds('logs', 'failing'), 'once\nonce\nonce')
    await succeeds('rm', 'failing')
  })

  test('always comes back after its process is killed, with its address taken again', async () => {
    const always = ['run', '-d', '--name', 'always', '--restart', 'always']
    await succeeds(...always, 'busybox', 'sleep', '1000')
    const pid = await field('always', '{{.State.Pid}}')
    process.kill(Number(pid), 'SIGKILL')
    await until('always', '{{.RestartCount}} {{.State.Status}}', '1 running')
    assert.notEqual(await field('always', '{{.State.Pid}}'), pid)
    assert.match(await succeeds('exec', 'always', 'ip', 'addr', 'show', 'eth0'), /inet 10\./)
    await succeeds('stop', '-t', '0', 'always')
    await delay(1500)
    assert.equal(await field('always', '{{.State.Status}}'), 'exited')
    await succeeds('start', 'always')
    assert.equal(await field('always', '{{.RestartCount}}'), '0')
    await succeeds('rm', '-f', 'always')
  })

  test('one that waits to be started again is shown so, can be stopped and removed', async () => {
    await run('waiting', 'always', 'busybox', 'false')
    await until('waiting', '{{.State.Restarting}} {{.State.Running}}', 'true true')
    const status = await succeeds('ps', '-a', '--filter', 'name=waiting', '--format', '{{.Status}}')
    assert.match(status, /^Restarting \(1\) .* ago$/)
    await succeeds('stop', 'waiting')
    await delay(300)
    assert.equal(await field('waiting', '{{.State.Status}}'), 'exited')
    await succeeds('start', 'waiting')
    await until('waiting', '{{.State.Restarting}}', 'true')
    await succeeds('rm', '-f', 'waiting')
    assert.equal(await succeeds('ps', '-aq'), '')
  })

  test('in the foreground the first end counts, and the policy goes on', async () => {
    const args = ['run', '--name', 'front', '--network', 'none', '--restart', 'on-failure:1']
    const { stdout, exitCode } = await sandbox.run([
      ...args,
      'busybox',
      'sh',
      '-c',
      'echo on; exit 4',
    ])
    assert.equal(exitCode, 4)
    assert.equal(stdout, 'on\n')
    await until('front', '{{.RestartCount}} {{.State.Status}}', '1 exited')
    await succeeds('rm', 'front')
  })

  test('system recover starts what lost its monitor, but nothing that was stopped', async () => {
    await run('lost', 'unless-stopped', 'busybox', 'sleep', '1000')
    await run('plain', 'no', 'busybox', 'sleep', '1000')
    await run('ended', 'always', 'busybox', 'sleep', '1000')
    await succeeds('stop', '-t', '0', 'ended')
    for (const name of ['lost', 'plain']) {
      const pid = Number(await field(name, '{{.State.Pid}}'))
      const monitor = parentOf(pid)
      process.kill(monitor, 'SIGKILL')
      process.kill(pid, 'SIGKILL')
    }
    assert.equal(await succeeds('ps', '-q'), '')
    assert.equal(await succeeds('system', 'recover'), 'lost')
    assert.equal(await field('lost', '{{.State.Status}}'), 'running')
    assert.equal(await succeeds('system', 'recover'), '')
    await succeeds('rm', '-f', 'lost', 'plain', 'ended')
  })

  test('a policy that is none, or one with --rm, makes nothing', async () => {
    const run = ['run', '-d', '--restart', 'sometimes', 'busybox', 'true']
    const bad = await sandbox.run(run)
    assert.equal(bad.exitCode, 125)
    assert.match(bad.stderr, /^tsctr: --restart "sometimes": no such restart policy/)
    const both = await sandbox.run(['run', '--rm', '--restart', 'always', 'busybox', 'true'])
    assert.equal(both.exitCode, 125)
    assert.equal(await succeeds('ps', '-aq'), '')
  })
})

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'ascii'))?.[1])
}
