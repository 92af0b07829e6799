import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSignal } from '../../src/oci/signal.ts'

test('a signal is read as a name with or without SIG, in any case, or as a number', () => {
  for (const text of ['SIGTERM', 'TERM', 'term', 'sigterm', '15']) {
    assert.deepEqual(parseSignal(text), { name: 'SIGTERM', number: 15 }, text)
  }
})

test('realtime signals count from either end', () => {
  assert.deepEqual(parseSignal('RTMIN'), { name: 'SIGRTMIN', number: 34 })
  assert.deepEqual(parseSignal('SIGRTMIN+3'), { name: 'SIGRTMIN+3', number: 37 })
  assert.equal(parseSignal('RTMAX-1').number, 63)
  assert.equal(parseSignal('37').name, 'SIGRTMIN+3')
})

test('anything else is refused', () => {
  for (const text of [
    '',
    '0',
    '65',
    '-9',
    '9.5',
    'NOPE',
    'RTMIN+31',
    'RTMAX+1',
    'RTMIN-1',
    '__PROTO__',
  ]) {
    assert.throws(() => parseSignal(text), { code: 'INVALID_ARGUMENT' }, text)
  }
})
