import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TsctrError } from '../../src/errors.ts'
import { completeProgram, runProgram } from '../../src/host/exec.ts'

test('output and input pass through whole', async () => {
  const input = 'x'.repeat(300_000)
  const output = await runProgram('cat', [], { input })
  assert.equal(output.stdout, input)
})

test('without input stdin is empty', async () => {
  assert.equal((await runProgram('cat', [])).stdout, '')
})

test('a failure names the program, its arguments, the exit code and the last lines of stderr', async () => {
  const script = 'for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exit 3'
  await assert.rejects(runProgram('sh', ['-c', script]), (error: unknown) => {
    assert.ok(error instanceof TsctrError)
    assert.equal(error.code, 'RUNTIME_FAILED')
    assert.match(error.message, /^sh -c .*: exit code 3: line 3\nline 4\nline 5\nline 6\nline 7$/s)
    return true
  })
})

test('a program ended by a signal says so', async () => {
  await assert.rejects(runProgram('sh', ['-c', 'kill -TERM $$']), /ended by SIGTERM$/)
})

test('a missing program is told apart from a failing one', async () => {
  await assert.rejects(runProgram('tsctr-no-such-program', []), {
    code: 'FAILED_PRECONDITION',
    message: 'tsctr-no-such-program: program not found',
  })
})

test('a program that does not read its input is no failure', async () => {
  await runProgram('true', [], { input: 'x'.repeat(300_000) })
})

test('a timeout kills the program even when a grandchild holds its pipes', async () => {
  const run = runProgram('sh', ['-c', 'sleep 2 & wait'], { timeoutMs: 50 })
  await assert.rejects(run, /killed because it took too long/)
})

test('an aborted call throws the reason of its signal', async () => {
  const controller = new AbortController()
  const run = runProgram('sleep', ['30'], { signal: controller.signal })
  controller.abort(new Error('user went away'))
  await assert.rejects(run, /user went away/)
  await assert.rejects(runProgram('sleep', ['30'], { signal: controller.signal }), /user went away/)
})

test('env and cwd are the caller’s', async () => {
  const output = await runProgram('/bin/sh', ['-c', 'echo $WORD; pwd'], {
    env: { WORD: 'yes' },
    cwd: '/tmp',
  })
  assert.equal(output.stdout, 'yes\n/tmp\n')
})

test('completeProgram returns a failure as a value', async () => {
  const result = await completeProgram('sh', ['-c', 'echo out; echo err >&2; exit 4'])
  assert.deepEqual(result, {
    exitCode: 4,
    signal: undefined,
    isTimedOut: false,
    stdout: 'out\n',
    stderr: 'err\n',
  })
})
