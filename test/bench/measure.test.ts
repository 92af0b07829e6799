import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { needsRoot } from '../helpers/capabilities.ts'
import { measure, median } from './measure.ts'
import type { Trial } from './peers/peer.ts'
import type { Command } from './run-command.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tsctr-measure-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

// The output of the commands goes to /run.
const skip = needsRoot()
const journal = join(scratch, 'journal')
const note = (word: string): Command => ['sh', '-c', `echo ${word} >> ${journal}`]

test('trials take turns after a warm-up each, and what is before a command is not timed', {
  skip,
}, async () => {
  const down: string[] = []
  const trial = (name: string): Trial => ({
    before: [['sleep', '0.3'], note(`before-${name}`)],
    command: note(name),
    tearDown: async () => void down.push(name),
  })
  const measured = await measure(
    new Map([
      ['a', trial('a')],
      ['b', trial('b')],
    ]),
    2,
  )
  const round = ['before-a', 'a', 'before-b', 'b']
  assert.deepEqual(readFileSync(journal, 'utf8').trim().split('\n'), [...round, ...round, ...round])
  for (const result of measured.values()) {
    if ('failure' in result) assert.fail(result.failure)
    assert.equal(result.durationsMs.length, 2)
    for (const durationMs of result.durationsMs) assert.ok(durationMs > 0)
    assert.ok(median(result.durationsMs) < 300, 'the sleep is not counted')
  }
  assert.deepEqual(down, ['a', 'b'])
})

test('one that fails is measured no further and does not stop the others', { skip }, async () => {
  const failing = ['sh', '-c', 'echo why >&2; exit 3']
  const measured = await measure(
    new Map<string, Trial>([
      ['bad', { command: failing }],
      ['good', { command: ['true'] }],
    ]),
    3,
  )
  const [bad, good] = [measured.get('bad'), measured.get('good')]
  assert.match(bad !== undefined && 'failure' in bad ? bad.failure : '', /why/)
  assert.equal(good !== undefined && 'durationsMs' in good ? good.durationsMs.length : 0, 3)
})

test('the median is the middle value, or between the two in the middle', () => {
  assert.equal(median([30, 1, 2]), 2)
  assert.equal(median([4, 1, 3, 100]), 3.5)
  assert.equal(median([7]), 7)
  assert.throws(() => median([]), /bug/)
})
