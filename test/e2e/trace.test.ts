import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly args?: { readonly name: string }
}

describe('--trace', { skip: needsContainers() || needsRegistry() }, () => {
  let registry: Awaited<ReturnType<typeof startRegistry>>
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await sandbox.run(['pull', '-q', 'busybox'])
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  test('shows the phases of a command', async () => {
    const file = join(sandbox.dataRoot, 'trace')
    const args = ['run', '--rm', '--network', 'none', 'busybox', 'true']
    const { exitCode, stderr } = await sandbox.run(['--trace', file, ...args])
    assert.equal(exitCode, 0, stderr)
    const { names, processes } = readTrace(file)
    for (const phase of [
      'start of the program',
      'create the container',
      'open exec.fifo',
      'settle',
    ])
      assert.ok(names.includes(phase), `${phase} in ${names.join(', ')}`)
    assert.ok(processes.includes('tsctr run'))
    assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  test('adds to the file that the environment names, also for a command that fails', async () => {
    const file = join(sandbox.dataRoot, 'trace-env')
    const options = { env: { TSCTR_TRACE: file } }
    await sandbox.run(['version'], options)
    await sandbox.run(['logs', 'missing'], options)
    assert.deepEqual(readTrace(file).processes, ['tsctr version', 'tsctr logs'])
  })

  test('is written by an exec, which becomes the runtime', async () => {
    const file = join(sandbox.dataRoot, 'trace-exec')
    const network = ['--network', 'none']
    await sandbox.run(['run', '-d', '--name', 'it', ...network, 'busybox', 'sleep', '1000'])
    try {
      assert.equal((await sandbox.run(['--trace', file, 'exec', 'it', 'true'])).exitCode, 0)
    } finally {
      await sandbox.run(['rm', '-f', 'it'])
    }
    assert.deepEqual(readTrace(file).processes, ['tsctr exec'])
  })

  test('that cannot be written is refused before anything is done', async () => {
    const file = join(sandbox.dataRoot, 'missing/trace')
    const { stdout, stderr, exitCode } = await sandbox.run(['--trace', file, 'version'])
    assert.deepEqual({ stdout, exitCode }, { stdout: '', exitCode: 1 })
    assert.match(stderr, /^tsctr: [^\n]*missing\/trace: no such file or directory[^\n]*\n$/)
  })

  test('is asked for by nothing else', async () => {
    const file = join(sandbox.dataRoot, 'no-trace')
    await sandbox.run(['version', '--trace', file])
    assert.equal(existsSync(file), false)
  })

  function readTrace(file: string): { names: string[]; processes: string[] } {
    const text = readFileSync(file, 'utf8').trimEnd().replace(/,$/, '')
    const events = JSON.parse(`[${text}]`) as TraceEvent[]
    return {
      names: events.map(({ name }) => name),
      processes: events.flatMap(({ args }) => args?.name ?? []),
    }
  }
})
