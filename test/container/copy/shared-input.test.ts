import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import {
  createSharedInput,
  fillShared,
  type SharedInput,
  streamOfShared,
} from '../../../src/container/copy/shared-input.ts'

const never = new AbortController().signal

/** One piece fits the memory: the side that takes can then read it without a thread of its own. */
async function passed(...chunks: readonly Buffer[]): Promise<string> {
  const input = createSharedInput()
  const filled = fillShared(input, source(chunks), never)
  let text = ''
  for (;;) {
    const piece = await next(input)
    if (piece === undefined) break
    text += piece
  }
  await filled
  return text
}

async function next(input: SharedInput): Promise<string | undefined> {
  const state = new Int32Array(input.state)
  const waiting = Atomics.waitAsync(state, 0, 0)
  if (waiting.async) await waiting.value
  const into = Buffer.alloc(300 * 1024)
  const length = streamOfShared(input, () => {}).read(into)
  return length === 0 ? undefined : into.toString('utf8', 0, length)
}

async function* source(chunks: readonly Buffer[]): AsyncIterable<Buffer> {
  yield* chunks
}

test('an archive passes as it is, and decompressed', async () => {
  const text = Buffer.from('content'.repeat(1000))
  const packed = gzipSync(text)
  assert.equal(await passed(text), text.toString())
  assert.equal(await passed(packed), text.toString())
  assert.equal(await passed(zstdCompressSync(text)), text.toString())
  assert.equal(
    await passed(packed.subarray(0, 1), packed.subarray(1, 3), packed.subarray(3)),
    text.toString(),
  )
  assert.equal(await passed(), '')
  assert.equal(await passed(Buffer.alloc(0), Buffer.from('x')), 'x')
})

test('what is longer than the memory they share goes through it in pieces', async () => {
  const text = Buffer.alloc(1_000_000, 'abcdefg')
  assert.equal(await passed(text), text.toString())
})

// Fault list, b3 43: no program decompresses, neither of the host nor of the container.
test('another compression is refused with what to type, and a damaged one is', async () => {
  const fill = (bytes: Buffer) => fillShared(createSharedInput(), source([bytes]), never)
  await assert.rejects(fill(Buffer.from('\xfd7zXZ\0', 'latin1')), {
    code: 'UNSUPPORTED',
    message: 'stdin: compressed with xz, not gzip or zstd',
    hint: 'pipe it through xz -dc',
  })
  await assert.rejects(fill(Buffer.from('BZh91AY')), { code: 'UNSUPPORTED' })
  await assert.rejects(fill(gzipSync('content').subarray(0, 15)), {
    code: 'INVALID_ARGUMENT',
    message: 'stdin: damaged gzip stream: unexpected end of file',
  })
})

test('a source that fails is noticed on the other side', async () => {
  const input = createSharedInput()
  async function* failing(): AsyncIterable<Buffer> {
    yield* []
    throw new Error('gone')
  }
  await assert.rejects(fillShared(input, failing(), never), { message: 'gone' })
  assert.throws(() => streamOfShared(input, () => {}).read(Buffer.alloc(1)), {
    message: 'stdin: cannot be read',
  })
})

test('who waits for input looks whether it is to go on', () => {
  const ended = new Error('ended')
  const stream = streamOfShared(createSharedInput(), () => {
    throw ended
  })
  assert.throws(() => stream.read(Buffer.alloc(1)), ended)
})
