import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachTarget } from '../../src/cli/targets.ts'

test('every target is tried, and every failure is reported', async () => {
  const tried: string[] = []
  const action = async (target: string): Promise<void> => {
    tried.push(target)
    if (target.startsWith('bad')) throw new Error(target)
  }
  await forEachTarget(['a', 'b'], action)
  await assert.rejects(forEachTarget(['bad', 'c'], action), { message: 'bad' })
  await assert.rejects(forEachTarget(['bad1', 'd', 'bad2'], action), (error: AggregateError) => {
    assert.deepEqual(
      error.errors.map((each: Error) => each.message),
      ['bad1', 'bad2'],
    )
    return true
  })
  assert.deepEqual(tried, ['a', 'b', 'bad', 'c', 'bad1', 'd', 'bad2'])
})
