import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { workerList } from '../../src/cli/worker-list.ts'
import { startWorker } from '../../src/host/worker.ts'

const src = join(import.meta.dirname, '../../src')

test('a worker runs with its input and answers', async () => {
  const bytes = new Uint8Array([1, 2, 3])
  const worker = startWorker('../test/helpers/echo-worker', { bytes }, [bytes.buffer])
  // Of one that has ended already Node gives both in one go.
  const exit = once(worker, 'exit')
  const [message] = await once(worker, 'message')
  assert.deepEqual(message, { input: { bytes: new Uint8Array([1, 2, 3]) }, answer: 42 })
  assert.equal(bytes.length, 0, 'the bytes were moved, not copied')
  await exit
})

test('a worker that does not exist is an error', async () => {
  const [error] = await once(startWorker('layer/missing', {}), 'error')
  assert.match(error.message, /layer\/missing/)
})

// The one-file build finds workers by this list alone: a name that is no file would work in one
// form of the program and fail in the other.
test('every worker of the list is a file of that name, with a run function', async () => {
  for (const [name, load] of Object.entries(workerList)) {
    assert.ok(existsSync(join(src, `${name}.ts`)), name)
    assert.equal(typeof (await load()).run, 'function')
  }
})
