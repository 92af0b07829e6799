import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLabelFilter, passesLabelFilter } from '../../src/oci/label-filter.ts'

test('label= wants the key, with a value that value, which may hold equal signs', () => {
  const anyValue = parseLabelFilter('label', 'a')
  const oneValue = parseLabelFilter('label', 'a=b=c')
  assert.deepEqual(
    [undefined, '', 'b=c'].map((value) => passesLabelFilter(anyValue, value)),
    [false, true, true],
  )
  assert.deepEqual(
    [undefined, '', 'b=c'].map((value) => passesLabelFilter(oneValue, value)),
    [false, false, true],
  )
})

test('label!= wants what label= does not', () => {
  const anyValue = parseLabelFilter('label!', 'a')
  const oneValue = parseLabelFilter('label!', 'a=b')
  assert.deepEqual(
    [undefined, '', 'b'].map((value) => passesLabelFilter(anyValue, value)),
    [true, false, false],
  )
  assert.deepEqual(
    [undefined, '', 'b'].map((value) => passesLabelFilter(oneValue, value)),
    [true, true, false],
  )
})
