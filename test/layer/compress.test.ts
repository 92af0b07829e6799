import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compressed } from '../../src/layer/compress.ts'

const pieces = Array.from({ length: 40 }, (_, index) => Buffer.alloc(100_000, `piece ${index} `))

async function all(bytes: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of bytes) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('compressed', () => {
  for (const [compression, decompress] of [
    ['gzip', gunzipSync],
    ['zstd', zstdDecompressSync],
    ['none', (bytes: Buffer) => bytes],
  ] as const) {
    test(`${compression} comes back, and is the same each time`, async () => {
      const packed = await all(compressed(pieces, { compression }))
      assert.deepEqual(decompress(packed), Buffer.concat(pieces))
      assert.deepEqual(packed, await all(compressed(pieces, { compression })))
    })

    test(`${compression}: an error of the source is the reader’s`, async () => {
      function* failing(): Generator<Buffer> {
        yield* pieces
        throw new Error('read error')
      }
      await assert.rejects(all(compressed(failing(), { compression })), /^Error: read error$/)
    })

    test(`${compression}: whoever stops reading ends the source`, async () => {
      let isEnded = false
      let given = 0
      function* watched(): Generator<Buffer> {
        try {
          for (let index = 0; index < 1000; index += 1) {
            given += 1
            yield Buffer.from(crypto.getRandomValues(new Uint8Array(60_000)))
          }
        } finally {
          isEnded = true
        }
      }
      for await (const _ of compressed(watched(), { compression })) break
      await new Promise((resolve) => setImmediate(resolve))
      assert.ok(isEnded)
      assert.ok(given < 200, `${given} pieces were read for one`)
    })
  }

  test('a level is heeded', async () => {
    const text = readFileSync(join(import.meta.dirname, '../../package-lock.json'))
    const sizes = new Map<string, number>()
    for (const [compression, level] of [
      ['gzip', 1],
      ['gzip', 9],
      ['zstd', 1],
      ['zstd', 19],
    ] as const) {
      const packed = await all(compressed([text], { compression, level }))
      sizes.set(`${compression} ${level}`, packed.length)
    }
    assert.ok((sizes.get('gzip 9') ?? 0) < (sizes.get('gzip 1') ?? 0))
    assert.ok((sizes.get('zstd 19') ?? 0) < (sizes.get('zstd 1') ?? 0))
  })
})
