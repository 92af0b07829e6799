import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { needsContainers, needsNetwork, needsRegistry } from '../helpers/capabilities.ts'
import type { RunResult } from '../helpers/cli.ts'
import { createRunSandbox, type RunSandbox } from '../helpers/run-sandbox.ts'

// All of them share what there is of the machine.
const timeoutMs = 240_000

describe('at once', { skip: needsContainers() || needsRegistry() || needsNetwork() }, () => {
  let sandbox: RunSandbox
  before(async () => {
    sandbox = await createRunSandbox()
  })
  after(() => sandbox.close())

  function run(...args: string[]): Promise<RunResult> {
    return sandbox.run(args, { timeoutMs })
  }

  /** What there is of containers, by no word of tsctr. */
  function left(): object {
    const names = (path: string): string[] => (existsSync(path) ? readdirSync(path) : [])
    const hidden = (name: string): boolean => !name.startsWith('.')
    return {
      directories: names(join(sandbox.dataRoot, 'containers')).length,
      bundles: names(join(sandbox.stateRoot, 'default')).filter(hidden).length,
      known: names(join(sandbox.stateRoot, 'default/.runtime')).length,
      mounts: readFileSync('/proc/mounts', 'utf8').split(`${sandbox.stateRoot}/`).length - 1,
      snapshots: names(join(sandbox.dataRoot, 'snapshots')).filter(hidden).length,
    }
  }

  test('20 × `run --name same`: one wins, the others name it, nothing is left half done', async () => {
    const none = left()
    const args = ['run', '-d', '--name', 'same', '--network', 'none', 'busybox', 'sleep', '1000']
    const results = await Promise.all(Array.from({ length: 20 }, () => run(...args)))
    const [winner = assert.fail(), ...others] = results.toSorted((a, b) => a.exitCode - b.exitCode)
    assert.equal(winner.exitCode, 0, winner.stderr)
    const id = winner.stdout.trim()
    for (const { stdout, stderr, exitCode } of others) {
      const clash = `^tsctr: container same: name is already in use by container ${id.slice(0, 12)}\nhint: .*\n$`
      assert.match(stderr, new RegExp(clash))
      assert.deepEqual({ stdout, exitCode }, { stdout: '', exitCode: 125 })
    }
    assert.equal(await sandbox.succeeds('ps', '-aq', '--no-trunc'), id)
    assert.equal(await sandbox.succeeds('exec', 'same', 'echo', 'whole'), 'whole')
    await sandbox.succeeds('rm', '-f', 'same')
    assert.deepEqual(left(), none)
  })

  // What each may say besides doing it. Anything else is a defect: a stack, SQLITE_BUSY, ENOENT.
  const refusals: Readonly<Record<string, RegExp>> = {
    gone: /^tsctr: container \w+: no such container$/,
    removing: /^tsctr: container \w+: is being removed$/,
    stopped: /^tsctr: container \w+: is not running(, cannot send SIG\w+)?$/,
    paused:
      /^tsctr: container \w+: (is paused, unpause the container before exec|cannot start a paused container, try unpause instead|is not paused|is already paused)$/,
    // exec is the runtime itself by then.
    lost: /^exec failed: .*(setns|procReady|does not exist|stopped container|paused container)|^\{.*"msg":"open .*no such file or directory"/,
    unknown: /^Error: No such object: \w+$/,
    running: /^tsctr: container \w+: is running$/,
  }

  const actions: Readonly<Record<string, readonly string[]>> = {
    start: ['start'],
    stop: ['stop', '-t', '1'],
    kill: ['kill'],
    restart: ['restart', '-t', '0'],
    rm: ['rm'],
    'rm -f': ['rm', '-f'],
    pause: ['pause'],
    unpause: ['unpause'],
    exec: ['exec'],
    inspect: ['inspect', '-f', '{{.State.Status}}'],
  }

  for (const seed of [1, 2, 3]) {
    test(`four of start, stop, kill, rm, exec … of one container (seed ${seed})`, async () => {
      const none = left()
      const next = numbers(seed)
      for (let round = 0; round < 4; round += 1) {
        const args = ['run', '-d', '--name', 'one', '--network', 'none', 'busybox', 'sleep', '1000']
        assert.equal((await run(...args)).exitCode, 0)
        const names = Object.keys(actions)
        const chosen = Array.from({ length: 4 }, () => names[next(names.length)] ?? '')
        const results = await Promise.all(
          chosen.map((name) => {
            const operands = name === 'exec' ? ['one', 'true'] : ['one']
            return run(...(actions[name] ?? []), ...operands)
          }),
        )
        for (const [index, { stderr, exitCode }] of results.entries()) {
          const what = `${chosen.join(' | ')}: ${chosen[index]}: ${exitCode}: ${stderr}`
          const said = stderr
            .split('\n')
            .filter((line) => line !== '' && !line.startsWith('hint: '))
          // A program that is killed in the middle of it returns what it was killed by.
          const isKilled = chosen[index] === 'exec' && exitCode > 128 && said.length === 0
          if (exitCode === 0 || isKilled) continue
          assert.equal(said.length, 1, what)
          assert.ok(
            Object.values(refusals).some((words) => words.test(said[0] ?? '')),
            what,
          )
        }
        // Whatever has become of it, it can be removed, and nothing is left.
        await run('rm', '-f', 'one')
        assert.deepEqual(left(), none, chosen.join(' | '))
      }
    })
  }

  test('50 × `run -d`, then 50 × `rm -f`: all succeed, with addresses of their own', async () => {
    const none = left()
    const args = ['run', '-d', 'busybox', 'sleep', '1000']
    const started = await Promise.all(Array.from({ length: 50 }, () => run(...args)))
    for (const { stderr, exitCode } of started) assert.deepEqual([exitCode, stderr], [0, ''])
    const ids = started.map(({ stdout }) => stdout.trim())
    const format = '{{.State.Status}} {{.NetworkSettings.Networks.bridge.IPAddress}}'
    const shown = (await sandbox.succeeds('inspect', '-f', format, ...ids)).split('\n')
    const addresses = shown.map((line) => /^running (\d+\.\d+\.\d+\.\d+)$/.exec(line)?.[1])
    assert.ok(!addresses.includes(undefined), shown.join('\n'))
    assert.equal(new Set(addresses).size, 50)
    const removed = await Promise.all(ids.map((id) => run('rm', '-f', id)))
    for (const { stderr, exitCode } of removed) assert.deepEqual([exitCode, stderr], [0, ''])
    assert.equal(await sandbox.succeeds('ps', '-aq'), '')
    assert.deepEqual(left(), none)
  })
})

/** The same numbers for the same seed, each below `limit`. Source: Numerical Recipes, ranqd1 */
function numbers(seed: number): (limit: number) => number {
  let state = seed >>> 0
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}
