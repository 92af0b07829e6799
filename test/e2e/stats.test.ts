import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import {
  needsContainers,
  needsNetwork,
  needsPrograms,
  needsRegistry,
} from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'
import { runInTerminal } from '../helpers/terminal.ts'

interface StatsJson {
  readonly Name: string
  readonly Container: string
  readonly PIDs: string
  readonly NetIO: string
  readonly MemUsage: string
  readonly MemPerc: string
  readonly CPUPerc: string
}

const skip = needsContainers() || needsRegistry()

describe('tsctr stats', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await succeeds('pull', '-q', 'busybox')
    const limits = ['--memory', '64m', '--network', 'none']
    await succeeds('run', '-d', '--name', 'busy', ...limits, 'busybox', 'sh', '-c', busyScript)
    await succeeds('create', '--name', 'made', '--network', 'none', 'busybox', 'true')
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  // Three processes, one of them always at work, and 16 MiB that cannot be dropped.
  const busyScript = `dd if=/dev/zero of=/dev/shm/x bs=1M count=16 2>/dev/null
    sleep 1000 & while :; do :; done & wait`

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  test('shows what a container uses, measured', async () => {
    const json = await succeeds('stats', '--no-stream', '--format', 'json', 'busy')
    const row = JSON.parse(json) as StatsJson
    assert.equal(row.Name, 'busy')
    assert.equal(row.Container, 'busy')
    assert.equal(row.PIDs, '3')
    assert.equal(row.NetIO, '0B / 0B')
    assert.match(row.MemUsage, /^1[6-9](\.\d+)?MiB \/ 64MiB$/)
    assert.ok(Number.parseFloat(row.MemPerc) >= 25, row.MemPerc)
    // Other tests may leave it little of a CPU.
    assert.match(row.CPUPerc, /^\d+\.\d\d%$/)
    assert.ok(Number.parseFloat(row.CPUPerc) > 1, row.CPUPerc)
  })

  test('without names shows what runs; -a what does not too', async () => {
    const [title = '', ...lines] = (await succeeds('stats', '--no-stream')).split('\n')
    assert.match(
      title,
      /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS$/,
    )
    assert.deepEqual(lines.length, 2)
    assert.match(lines[0] ?? '', /^[0-9a-f]{12} +busy /)
    const all = await succeeds('stats', '-a', '--no-stream', '--no-trunc')
    assert.match(all, /^[0-9a-f]{64} +made +0\.00% +0B \/ 0B +0\.00% +0B \/ 0B +0B \/ 0B +0$/m)
    assert.match(all, /^[0-9a-f]{64} +busy /m)
  })

  test('counts what goes over the network', { skip: needsNetwork() }, async () => {
    await succeeds('run', '-d', '--name', 'net', 'busybox', 'sleep', '1000')
    const gateway = (await succeeds('exec', 'net', 'ip', 'route')).match(/via (\S+)/)?.[1] ?? ''
    await succeeds('exec', 'net', 'ping', '-c', '3', '-i', '0.1', '-s', '1000', gateway)
    const text = await succeeds('stats', '--no-stream', '--format', '{{.NetIO}}', 'net')
    const [received = 0, sent = 0] = text.split(' / ').map((size) => {
      return Number.parseFloat(size) * (size.includes('kB') ? 1000 : 1)
    })
    assert.ok(received >= 3000 && sent >= 3000, text)
    await succeeds('rm', '-f', 'net')
  })

  test('goes on until it is told to end, which is no failure', async () => {
    const streaming = sandbox.start(['stats', '--format', '{{.Name}} {{.PIDs}}', 'busy'])
    await once(streaming.child.stdout ?? assert.fail(), 'data')
    await once(streaming.child.stdout ?? assert.fail(), 'data')
    streaming.child.kill('SIGINT')
    const { stdout, exitCode } = await streaming.finished
    assert.equal(exitCode, 0)
    assert.match(stdout, /^(busy 3\n){2,}$/)
  })

  test('on a terminal draws over what it has drawn', {
    skip: needsPrograms('script'),
  }, async () => {
    const { stdout } = await runInTerminal(sandbox, {
      script: 'in_front tsctr stats busy',
      beside: 'until_shown busy; sleep 1.5; kill -INT $tsctr',
    })
    const screens = stdout.split('\x1b[H').length - 1
    assert.ok(screens >= 2, `${screens} screens`)
    const [, screen = ''] = stdout.split('\x1b[H')
    const lines = screen.split('\x1b[K\r\n')
    assert.match(lines[0] ?? '', /^CONTAINER ID .*PIDS$/)
    assert.match(lines[1] ?? '', /^[0-9a-f]{12} +busy /)
    assert.equal(lines[2], '\x1b[J')
    assert.match(stdout, /code=0\r\nterminal=restored/)
  })

  test('ends when what it shows is gone', async () => {
    await succeeds('run', '-d', '--name', 'short', '--network', 'none', 'busybox', 'sleep', '1000')
    const streaming = sandbox.start(['stats', 'short'])
    await once(streaming.child.stdout ?? assert.fail(), 'data')
    await succeeds('rm', '-f', 'short')
    assert.equal((await streaming.finished).exitCode, 0)
  })

  test('says what is wrong with what it was given', async () => {
    assert.deepEqual(await sandbox.run(['stats', '--no-stream', 'nobody']), {
      stdout: '',
      stderr: 'tsctr: container nobody: no such container\n',
      exitCode: 1,
    })
    const bad = await sandbox.run(['stats', '--no-stream', '--format', '{{.Foo', 'busy'])
    assert.equal(bad.exitCode, 1)
    assert.match(bad.stderr, /^tsctr: .*template/)
  })
})
