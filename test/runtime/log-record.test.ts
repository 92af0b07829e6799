import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLogRecord } from '../../src/runtime/log-record.ts'

const time = '2026-11-24T05:01:06.636758317+00:00'

test('a whole line and a part of one', () => {
  const fields = (line: string): unknown => {
    const record = parseLogRecord(Buffer.from(line))
    return record && [record.time, record.stream, record.isPartial, record.text.toString()]
  }
  assert.deepEqual(fields(`${time} stdout F hello world`), [time, 'stdout', false, 'hello world'])
  assert.deepEqual(fields(`${time} stderr P hel`), [time, 'stderr', true, 'hel'])
  const short = '2026-11-24T05:01:06Z'
  assert.deepEqual(fields(`${short} stdout F x`), [short, 'stdout', false, 'x'])
})

test('a line is read where it stands among others', () => {
  const bytes = Buffer.from(`torn\n${time} stdout F one\n${time} stderr F two\n`)
  const start = 'torn\n'.length
  const record = parseLogRecord(bytes, start, bytes.indexOf('\n', start))
  assert.equal(record?.time, time)
  assert.equal(record?.text.toString(), 'one')
})

test('text is bytes: spaces at its ends, carriage returns and what is no UTF-8 stay', () => {
  const text = Buffer.from([0x20, 0x20, 0xff, 0x00, 0x0d, 0x20])
  const record = parseLogRecord(Buffer.concat([Buffer.from(`${time} stdout F `), text]))
  assert.deepEqual(record?.text, text)
})

test('an empty line has an empty text', () => {
  assert.deepEqual(parseLogRecord(Buffer.from(`${time} stdout F `))?.text, Buffer.alloc(0))
})

test('a torn line, and one of another form, is none', () => {
  const lines = ['', ' ', time, `${time} stdout`, `${time} stdout F`, `${time} stdin F x`]
  for (const line of [...lines, `${time} stdout X x`, ' stdout F x', '\0'.repeat(100)]) {
    assert.equal(parseLogRecord(Buffer.from(line)), undefined, JSON.stringify(line))
  }
})
