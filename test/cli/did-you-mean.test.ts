import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean } from '../../src/cli/did-you-mean.ts'

test('the nearest command is meant, if one is near', () => {
  const commands = ['run', 'rm', 'rmi', 'ps', 'pull', 'inspect']
  assert.equal(didYouMean('inspetc', commands), 'inspect')
  assert.equal(didYouMean('rnu', commands), 'run')
  assert.equal(didYouMean('pul', commands), 'pull')
  assert.equal(didYouMean('swarm', commands), undefined)
  assert.equal(didYouMean('', commands), undefined)
})
