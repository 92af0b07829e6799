import assert from 'node:assert/strict'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createRunSandbox, type RunSandbox } from '../helpers/run-sandbox.ts'

const skip = needsContainers() || needsRegistry()

describe('runc killed while it creates a container', { skip }, () => {
  let sandbox: RunSandbox
  before(async () => {
    sandbox = await createRunSandbox()
  })
  after(() => sandbox.close())

  for (const afterMs of [0, 20, 40, 60]) {
    test(`${afterMs} ms after its start leaves nothing`, async () => {
      const running = sandbox.start([
        ...['run', '-d', '--name', 'half', '--network', 'none', 'busybox', 'sleep', '1000'],
      ])
      const pid = await creatingPid()
      const id = argumentsOf(pid).at(-1)
      assert.match(id ?? '', /^[0-9a-f]{64}$/)
      await delay(afterMs)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It was faster: the container runs, and is removed below.
      }
      const { exitCode, stderr } = await running.finished
      if (exitCode === 0) {
        assert.equal((await sandbox.run(['rm', '-f', 'half'])).exitCode, 0)
      } else {
        assert.equal(exitCode, 125, stderr)
        assert.match(stderr, /^tsctr: [^\n]+\n?$/, 'one line')
      }
      assert.equal((await sandbox.run(['ps', '-aq'])).stdout, '')
      assert.deepEqual(globSync(`/sys/fs/cgroup/{.,*}/tsctr/${id}`), [])
      assert.doesNotMatch(readFileSync('/proc/self/mounts', 'utf8'), new RegExp(`${id}`))
      assert.deepEqual(globSync(`${sandbox.stateRoot}/default/{.runtime/,}${id}`), [])
      // conmon's hook is the last to go: it finds that there is nothing left to do.
      while (processIds().some((each) => argumentsOf(each).includes(id ?? ''))) await delay(20)
    })
  }

  async function creatingPid(): Promise<number> {
    for (;;) {
      for (const pid of processIds()) {
        const args = argumentsOf(pid)
        const isOurs = args.some((arg) => arg.startsWith(sandbox.stateRoot))
        if (isOurs && args[0]?.endsWith('runc') && args.includes('create')) return pid
      }
      await delay(1)
    }
  }

  function processIds(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  }

  function argumentsOf(pid: number): string[] {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
    } catch {
      return []
    }
  }
})
