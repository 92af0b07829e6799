import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  bootId,
  isAlive,
  type Owner,
  processStartTicks,
  selfAsOwner,
} from '../../src/host/owner.ts'
import { needsPrograms } from '../helpers/capabilities.ts'

let children: ChildProcess[]
beforeEach(() => {
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
})

describe('isAlive', { timeout: 60_000 }, () => {
  test('is true of this process and of another that runs', () => {
    assert.equal(isAlive(selfAsOwner()), true)
    assert.equal(isAlive(ownerOf(start('sleep', '60'))), true)
  })

  test('is true of a stopped process', () => {
    const child = start('sleep', '60')
    const owner = ownerOf(child)
    child.kill('SIGSTOP')
    assert.equal(isAlive(owner), true)
  })

  test('is false once the process was killed', async () => {
    const child = start('sleep', '60')
    const owner = ownerOf(child)
    child.kill('SIGKILL')
    await once(child, 'close')
    assert.equal(isAlive(owner), false)
  })

  // Its pid answers to kill(pid, 0) for as long as nobody waits for it.
  test('is false of a zombie', async () => {
    const child = start('sh', '-c', 'sleep 0.2 & echo $!; exec sleep 60')
    assert.ok(child.stdout)
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    const startTicks = processStartTicks(pid)
    assert.ok(startTicks !== undefined)
    while (!/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) await delay(20)
    assert.equal(process.kill(pid, 0), true)
    assert.equal(isAlive({ pid, startTicks, bootId: bootId() }), false)
    assert.equal(processStartTicks(pid), undefined)
  })

  test('is false of an earlier process that had the same pid', () => {
    const self = selfAsOwner()
    assert.equal(isAlive({ ...self, startTicks: self.startTicks - 1 }), false)
  })

  test('is false of the same numbers in another boot', () => {
    assert.equal(
      isAlive({ ...selfAsOwner(), bootId: '00000000-0000-0000-0000-000000000000' }),
      false,
    )
  })
})

describe('processStartTicks', () => {
  test('tells what the kernel says, as ps does', { skip: needsPrograms('ps') }, () => {
    const hertz = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
    const upSeconds = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0])
    const elapsed = Number(
      execFileSync('ps', ['-o', 'etimes=', '-p', String(process.pid)], { encoding: 'utf8' }),
    )
    const startedSeconds = selfAsOwner().startTicks / hertz
    assert.ok(Math.abs(upSeconds - elapsed - startedSeconds) < 3)
  })

  test('is not led astray by a name made of brackets and spaces', () => {
    const scratch = mkdtempSync(join(tmpdir(), 'tsctr-owner-'))
    try {
      const program = join(scratch, ') Z 1 (2) 3')
      copyFileSync('/bin/sleep', program)
      const child = start(program, '60')
      const ticks = ownerOf(child).startTicks
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'latin1')
      const rest = stat.replace(`${child.pid} () Z 1 (2) 3) `, '')
      assert.equal(ticks, Number(rest.split(' ')[19]))
    } finally {
      rmSync(scratch, { recursive: true })
    }
  })

  test('is undefined where there is no such process', () => {
    assert.equal(processStartTicks(2 ** 22 + 1), undefined)
    assert.equal(processStartTicks(0), undefined)
  })
})

test('bootId is the kernel’s, and stays', () => {
  assert.match(bootId(), /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  assert.equal(bootId(), bootId())
})

function start(program: string, ...args: readonly string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  return child
}

function ownerOf({ pid }: ChildProcess): Owner {
  assert.ok(pid !== undefined)
  const startTicks = processStartTicks(pid)
  assert.ok(startTicks !== undefined)
  return { pid, startTicks, bootId: bootId() }
}
