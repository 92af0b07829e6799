import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readInventory } from '../../src/image/read-inventory.ts'
import { sha256Digest } from '../../src/oci/sha256.ts'

const [a, b] = [sha256Digest('a'), sha256Digest('b')]

test('an inventory is digests, one a line, each once', () => {
  assert.deepEqual([...readInventory(`${a}\n${b}\r\n\n${a}\n`, 'FILE')], [a, b])
  assert.deepEqual([...readInventory('', 'FILE')], [])
})

test('anything else is refused with its line', () => {
  for (const [text, line] of [
    [`${a}\nDIGEST SIZE\n`, 2],
    [a.slice(0, 20), 1],
    [`\n\n${a} ${b}`, 3],
    [a.replace('sha256', 'sha512'), 1],
  ] as const) {
    assert.throws(() => readInventory(text, 'FILE'), new RegExp(`FILE: line ${line}$`))
  }
})
