import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LogLines } from '../../../src/cli/render/log-lines.ts'
import { type LogRecord, parseLogRecord } from '../../../src/runtime/log-record.ts'

function record(stream: 'stdout' | 'stderr', tag: 'F' | 'P', text: string, second = 0): LogRecord {
  const time = `2026-11-24T07:00:0${second}.5+02:00`
  return parseLogRecord(Buffer.from(`${time} ${stream} ${tag} ${text}`)) ?? assert.fail()
}

function texts(lines: LogLines, ...records: readonly LogRecord[]): string[] {
  const shown: string[] = []
  for (const { stream, bytes } of lines.texts(records)) shown.push(`${stream}: ${bytes}`)
  return shown
}

test('records of one stream in a row are one text, lines whole again', () => {
  const lines = new LogLines({ hasTimes: false, attributes: undefined })
  assert.deepEqual(
    texts(
      lines,
      record('stdout', 'F', 'one'),
      record('stdout', 'P', 'tw'),
      record('stdout', 'F', 'o'),
      record('stderr', 'F', ''),
      record('stdout', 'P', 'no end'),
    ),
    ['stdout: one\ntwo\n', 'stderr: \n', 'stdout: no end'],
  )
  assert.deepEqual(texts(lines), [])
})

test('a time in UTC, with nine digits, begins each line and no part of one', () => {
  const lines = new LogLines({ hasTimes: true, attributes: undefined })
  const [first, second] = [1, 2].map((n) => `2026-11-24T05:00:0${n}.500000000Z`)
  assert.deepEqual(
    texts(
      lines,
      record('stdout', 'P', 'a', 1),
      record('stderr', 'F', 'b', 2),
      record('stdout', 'P', 'c', 3),
    ),
    [`stdout: ${first} a`, `stderr: ${second} b\n`, 'stdout: c'],
  )
  assert.deepEqual(texts(lines, record('stdout', 'F', 'd', 4), record('stdout', 'F', '', 5)), [
    'stdout: d\n2026-11-24T05:00:05.500000000Z \n',
  ])
})

// Docker's logs --details puts a space between the attributes and the line also where there are none.
test('details are a space at the start of each line, after the time', () => {
  const plain = new LogLines({ hasTimes: false, attributes: [] })
  assert.deepEqual(
    texts(
      plain,
      record('stdout', 'P', 'a'),
      record('stdout', 'F', 'b'),
      record('stdout', 'F', 'c'),
    ),
    ['stdout:  ab\n c\n'],
  )
  const timed = new LogLines({ hasTimes: true, attributes: [] })
  assert.deepEqual(texts(timed, record('stderr', 'F', 'a', 1)), [
    'stderr: 2026-11-24T05:00:01.500000000Z  a\n',
  ])
})

test('attributes are shown as docker does, as they stand in a URL', () => {
  const lines = new LogLines({
    hasTimes: false,
    attributes: [
      ['com.example/role', 'a web,server'],
      ['tag', "it's (1)"],
    ],
  })
  assert.deepEqual(texts(lines, record('stdout', 'F', 'x')), [
    'stdout: com.example%2Frole=a+web%2Cserver,tag=it%27s+%281%29 x\n',
  ])
})
