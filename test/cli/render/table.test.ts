import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alignTabs, renderTable } from '../../../src/cli/render/table.ts'

test('columns are at least 10 wide and 3 apart, the last one is not padded', () => {
  assert.equal(renderTable(['A', 'B'], [['123456789', 'x']]), 'A           B\n123456789   x\n')
  assert.equal(renderTable(['A', 'B'], []), 'A         B\n')
})

test('width counts characters, not bytes', () => {
  assert.equal(renderTable(['A', 'B'], [['éééééééé…', 'x']]), 'A           B\néééééééé…   x\n')
})

test('a line without a column ends the column above it', () => {
  assert.equal(
    alignTabs(['aaaaaaaaaaaa\tb', 'no columns here', 'a\tb', 'c\tlonger than ten\td', 'e\tf']),
    'aaaaaaaaaaaa   b\nno columns here\na         b\nc         longer than ten   d\ne         f\n',
  )
})

test('another layout', () => {
  assert.equal(
    renderTable(['A', 'B'], [['12345', 'x']], { minWidth: 4, padding: 4 }),
    'A        B\n12345    x\n',
  )
})

test('no lines make no text', () => assert.equal(alignTabs([]), ''))
