import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runtimeError } from '../../src/runtime/runtime-error.ts'

/** How runc 1.1 says it, through conmon. */
const runc = (text: string): string =>
  `time="2026-11-24T05:01:06Z" level=error msg="runc create failed: unable to start container process: ${text}"`

test('a program that is not there exits with 127', () => {
  const error = runtimeError(
    'web',
    runc(String.raw`exec: \"nope\": executable file not found in $PATH`),
  )
  assert.equal(error.exitCode, 127)
  assert.equal(error.code, 'RUNTIME_FAILED')
  assert.equal(
    error.message,
    'web: runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH',
  )
  const missing = runc(String.raw`exec: \"/nope\": stat /nope: no such file or directory`)
  assert.equal(runtimeError('web', missing).exitCode, 127)
})

test('a program that cannot be invoked exits with 126', () => {
  for (const reason of ['permission denied', 'is a directory', 'exec format error']) {
    const error = runtimeError('web', runc(String.raw`exec: \"/etc\": ${reason}`))
    assert.equal(error.exitCode, 126, reason)
  }
})

test('anything else exits with 125', () => {
  assert.equal(runtimeError('web', runc('invalid mount')).exitCode, 125)
})

test('of several lines the last error counts, warnings never', () => {
  const words = [
    'time="x" level=warning msg="permission denied, going on"',
    'time="x" level=error msg="first"',
    'time="x" level=fatal msg="second"',
    'time="x" level=warning msg="afterwards"',
  ]
  assert.equal(runtimeError('web', words.join('\n')).message, 'web: second')
})

test('words of another form are passed on in one line', () => {
  assert.equal(runtimeError('web', ' boom\n  at x \n').message, 'web: boom; at x')
  assert.equal(runtimeError('web', ' \n').message, 'web: the runtime failed without a word')
})
