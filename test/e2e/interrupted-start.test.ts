import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsRegistry()

describe('a start that is killed', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    assert.equal((await sandbox.run(['pull', 'busybox'])).exitCode, 0)
  })
  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  /** A runtime that does its work, but `create` only after a while, or only the half of it. */
  function slowRuntime(name: string, create: string): string {
    const path = join(sandbox.directory, name)
    const runc = spawnSync('sh', ['-c', 'command -v runc'], { encoding: 'utf8' }).stdout.trim()
    writeFileSync(
      path,
      `#!/bin/bash
case " $* " in *" create "*) id=\${@: -1}; echo $id >${sandbox.directory}/creating.new; mv ${sandbox.directory}/creating.new ${sandbox.directory}/creating; ${create};; esac
exec ${runc} "$@"\n`,
    )
    chmodSync(path, 0o755)
    return path
  }

  async function killedWhileCreating(runtime: string): Promise<string> {
    const running = sandbox.start([
      ...['run', '-d', '--name', 'half', '--network', 'none', '--runtime', runtime],
      ...['busybox', 'sleep', '1000'],
    ])
    const mark = join(sandbox.directory, 'creating')
    let id = ''
    while (id === '') {
      await delay(20)
      id = globSync(mark).length === 0 ? '' : readFileSync(mark, 'utf8').trim()
    }
    rmSync(mark)
    await delay(100)
    running.child.kill('SIGKILL')
    await running.finished
    return id
  }

  // Empty cgroups stayed for ever: the runtime knew nothing of the container, so it was not asked.
  test('leaves no cgroup behind once it is removed', async () => {
    const runtime = slowRuntime(
      'cgroup-first',
      'for t in /sys/fs/cgroup /sys/fs/cgroup/*/; do [ ! -e $t/cgroup.procs ] || mkdir -p $t/tsctr/$id; done; sleep 100',
    )
    const id = await killedWhileCreating(runtime)
    assert.notDeepEqual(globSync(`/sys/fs/cgroup/{.,*}/tsctr/${id}`), [])
    assert.equal((await sandbox.run(['rm', '-f', 'half'])).exitCode, 0)
    assert.deepEqual(globSync(`/sys/fs/cgroup/{.,*}/tsctr/${id}`), [])
  })

  // The monitor went on to create the container when it was cleaned up already.
  test('is not finished by its monitor after it was removed', async () => {
    const id = await killedWhileCreating(slowRuntime('late', 'sleep 2'))
    assert.equal((await sandbox.run(['rm', '-f', 'half'])).exitCode, 0)
    await delay(3000)
    const { stdout } = spawnSync('pgrep', ['-f', id], { encoding: 'utf8' })
    assert.equal(stdout, '')
    assert.deepEqual(globSync(`/sys/fs/cgroup/{.,*}/tsctr/${id}`), [])
  })
})
