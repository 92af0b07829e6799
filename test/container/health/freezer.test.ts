import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { freezerFile, isFrozen } from '../../../src/container/health/freezer.ts'

test('a process that runs is not frozen', () => {
  assert.match(freezerFile(process.pid), /^\/sys\/fs\/cgroup\/.*(freezer\.state|cgroup\.freeze)$/)
  assert.equal(isFrozen(process.pid), false)
})

// A container that had ended at once could not be started: its check asked for its cgroup.
test('nor is one that has ended', () => {
  const { pid } = spawnSync('true')
  assert.equal(freezerFile(pid), '')
  assert.equal(isFrozen(pid), false)
})
