import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatTrace } from '../../src/host/trace.ts'

type Event = { name: string; ph: string; pid: number; tid: number; ts: number; dur: number }

function read(text: string): Event[] {
  return JSON.parse(`[${text.trimEnd().replace(/,$/, '')}]`)
}

describe('a trace', () => {
  test('names the process, and each phase with its time in microseconds', () => {
    const [name, phase] = read(formatTrace('tsctr run', [{ name: 'a', startMs: 1, endMs: 3.5 }]))
    assert.deepEqual(name, {
      name: 'process_name',
      ph: 'M',
      pid: process.pid,
      tid: process.pid,
      args: { name: 'tsctr run' },
    })
    assert.equal(phase?.ph, 'X')
    assert.equal(phase?.dur, 2500)
    assert.equal(phase?.ts, Math.round(performance.timeOrigin * 1000 + 1000))
  })

  test('draws phases in one lane only where they follow or lie in each other', () => {
    const events = read(
      formatTrace('x', [
        { name: 'inner', startMs: 2, endMs: 3 },
        { name: 'outer', startMs: 1, endMs: 5 },
        { name: 'beside', startMs: 4, endMs: 8 },
        { name: 'after', startMs: 9, endMs: 10 },
      ]),
    ).filter(({ ph }) => ph === 'X')
    const lanes = Object.fromEntries(events.map(({ name, tid }) => [name, tid - process.pid]))
    assert.deepEqual(lanes, { outer: 0, inner: 0, beside: 1, after: 0 })
  })
})
