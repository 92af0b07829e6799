import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { processStartTicks } from '../../src/host/owner.ts'
import { forgetRuncContainer, openExecFifo, readRuncState } from '../../src/runtime/runc-state.ts'

describe('a container of runc', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'tsctr-runc-state-'))
  const own = join(stateDir, 'c1')
  const fifo = join(own, 'exec.fifo')
  const children: ReturnType<typeof spawn>[] = []

  beforeEach(() => {
    rmSync(own, { recursive: true, force: true })
    mkdirSync(own)
  })
  after(() => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(stateDir, { recursive: true, force: true })
  })

  function startProcess(script: string): number {
    const child = spawn('sh', ['-c', script], { stdio: 'ignore', cwd: own })
    children.push(child)
    if (child.pid === undefined) throw new Error('sh did not start')
    return child.pid
  }

  function writeState(pid: number, change: object = {}): void {
    const state = {
      init_process_pid: pid,
      init_process_start: processStartTicks(pid) ?? 1,
      intel_rdt_path: '',
      config: { namespaces: [{ type: 'NEWPID', path: '' }], Hooks: { poststop: null } },
      ...change,
    }
    writeFileSync(join(own, 'state.json'), JSON.stringify(state))
  }

  test('goes on when its FIFO is read, even if it comes there later', async () => {
    execFileSync('mkfifo', [fifo])
    writeState(startProcess('sleep 0.2; echo 0 >exec.fifo'))
    assert.equal(await openExecFifo(stateDir, 'c1'), true)
    assert.equal(existsSync(fifo), false)
  })

  test('that dies on the way to its FIFO is left to the runtime', async () => {
    execFileSync('mkfifo', [fifo])
    const pid = startProcess('exec sleep 0.2')
    writeState(pid)
    assert.equal(await openExecFifo(stateDir, 'c1'), false)
    assert.equal(existsSync(fifo), true)
  })

  test('that was started before has no FIFO, and is left to the runtime', async () => {
    writeState(process.pid)
    assert.equal(await openExecFifo(stateDir, 'c1'), false)
  })

  test('is forgotten with its processes', async () => {
    const pid = startProcess('exec sleep 60')
    writeState(pid)
    assert.equal(await forgetRuncContainer(stateDir, 'c1'), true)
    assert.equal(processStartTicks(pid), undefined)
    assert.equal(existsSync(own), false)
  })

  test('whose pid another process has now is forgotten, and that one left alone', async () => {
    const pid = startProcess('exec sleep 60')
    writeState(pid, { init_process_start: 1 })
    assert.equal(await forgetRuncContainer(stateDir, 'c1'), true)
    assert.notEqual(processStartTicks(pid), undefined)
  })

  test('that holds more than processes of its own is left to the runtime', async () => {
    const pid = startProcess('exec sleep 60')
    const namespaces = [{ type: 'NEWPID', path: '' }]
    for (const change of [
      { config: { namespaces: [{ type: 'NEWPID', path: '/proc/1/ns/pid' }] } },
      { config: { namespaces: [] } },
      { config: { namespaces, Hooks: { poststop: [{ path: '/bin/true' }] } } },
      { intel_rdt_path: '/sys/fs/resctrl/c1' },
    ]) {
      writeState(pid, change)
      assert.equal(await forgetRuncContainer(stateDir, 'c1'), false, JSON.stringify(change))
      assert.notEqual(processStartTicks(pid), undefined)
    }
  })

  test('is none where the state is of another runtime, broken or not there', () => {
    assert.equal(readRuncState(stateDir, 'c1'), undefined)
    for (const text of ['{', '{}', '{"init_process_pid": 1}', 'null']) {
      writeFileSync(join(own, 'state.json'), text)
      assert.equal(readRuncState(stateDir, 'c1'), undefined, text)
    }
  })
})
