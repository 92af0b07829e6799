import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rows, selectRows } from './rows.ts'

const namesOf = (asked: readonly string[]): string[] => selectRows(asked).map(({ name }) => name)

test('without names all rows are selected', () => {
  assert.deepEqual(selectRows([]), rows)
  assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length)
})

test('a name selects its row, or those that it begins, in the order of the table', () => {
  assert.deepEqual(namesOf(['ps', 'exec']), ['exec', 'ps'])
  assert.deepEqual(namesOf(['run']), ['run-none', 'run-bridge'])
  assert.deepEqual(namesOf(['run-bridge', 'run']), ['run-none', 'run-bridge'])
})

test('an unknown name is refused with those there are', () => {
  assert.throws(
    () => selectRows(['exec', 'runs']),
    /^Error: runs: no such row; there are run-none,/,
  )
  // Not the beginning of a word.
  assert.throws(() => selectRows(['pul']), /^Error: pul: no such row/)
})
