import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { constants, crc32, gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { TsctrError } from '../../src/errors.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { apply, assertRefused } from './scratch.ts'

const archive = tarOf(file('a', randomBytes(100_000)), file('b', Buffer.alloc(1_000_000)))
const half = archive.length >> 1
const skippable = Buffer.from('5f2a4d1803000000aabbcc', 'hex')

const accepted: [name: string, blob: Buffer][] = [
  ['plain', archive],
  ['gzip', gzipSync(archive)],
  [
    'gzip of two members',
    Buffer.concat([gzipSync(archive.subarray(0, half)), gzipSync(archive.subarray(half))]),
  ],
  ['gzip with an empty member', Buffer.concat([gzipSync(''), gzipSync(archive), gzipSync('')])],
  ['gzip followed by zeros', Buffer.concat([gzipSync(archive), Buffer.alloc(700_000)])],
  ['gzip with a long name and extra field', gzipWithHeader(archive)],
  ['zstd', zstdCompressSync(archive)],
  [
    'zstd of two frames',
    Buffer.concat([
      zstdCompressSync(archive.subarray(0, half)),
      zstdCompressSync(archive.subarray(half)),
    ]),
  ],
  ['zstd with a window of 128 MiB', zstdWithWindow(27)],
  [
    'zstd between skippable frames',
    Buffer.concat([skippable, zstdCompressSync(archive), skippable]),
  ],
]

for (const [name, blob] of accepted) {
  test(`${name}: unpacks, and the diffID is of the uncompressed stream`, (t) => {
    const { root, applied } = apply(t, blob)
    assert.equal(applied.diffID, `sha256:${createHash('sha256').update(archive).digest('hex')}`)
    assert.equal(readFileSync(join(root, 'b')).length, 1_000_000)
  })
}

test('output that fills the buffer exactly is followed to its end', (t) => {
  for (const bytes of [256 * 1024, 512 * 1024]) {
    const exact = tarOf(file('a', randomBytes(bytes - 3 * 512)))
    assert.equal(exact.length, bytes)
    for (const blob of [gzipSync(exact), zstdCompressSync(exact), exact]) {
      const { applied } = apply(t, blob)
      assert.equal(applied.diffID, `sha256:${createHash('sha256').update(exact).digest('hex')}`)
    }
  }
})

// The decoder only says that a stream is cut when it had room for more output.
test('gzip cut where the buffer is just full: refused', (t) => {
  const buffer = 256 * 1024
  const padded = Buffer.concat([tarOf(file('a')), Buffer.alloc(2 * buffer)])
  // Small enough to be read at once, then stored byte by byte so that any length can be cut off.
  const small = gzipSync(padded.subarray(0, 100_000))
  const stored = Buffer.concat([small, gzipSync(padded.subarray(100_000), { level: 0 })])
  const options = { finishFlush: constants.Z_SYNC_FLUSH }
  let cut = buffer - 100_000
  while (gunzipSync(stored.subarray(0, cut), options).length < buffer) cut += 1
  assertRefused(() => apply(t, stored.subarray(0, cut)), /damaged gzip stream: unexpected end/)
})

test('what follows the end marker counts for the diffID', (t) => {
  const padded = Buffer.concat([archive, Buffer.alloc(9728)])
  const { applied } = apply(t, gzipSync(padded))
  assert.equal(applied.diffID, `sha256:${createHash('sha256').update(padded).digest('hex')}`)
})

const gz = gzipSync(archive)
const zst = zstdCompressSync(archive)
const refused: [name: string, blob: Buffer, message: RegExp][] = [
  ['gzip cut in the data', gz.subarray(0, gz.length >> 1), /damaged gzip stream: unexpected end/],
  ['gzip cut in the trailer', gz.subarray(0, -3), /damaged gzip stream: unexpected end/],
  ['gzip with a wrong checksum', flipped(gz, gz.length - 8), /damaged gzip stream: incorrect data/],
  ['gzip with a wrong length', flipped(gz, gz.length - 1), /damaged gzip stream: incorrect length/],
  ['gzip with reserved flags', flipped(gz, 3, 0xe0), /damaged gzip stream/],
  ['gzip followed by other bytes', Buffer.concat([gz, Buffer.from('junk')]), /damaged gzip stream/],
  [
    'gzip followed by zeros and more',
    Buffer.concat([gz, Buffer.alloc(9), Buffer.from('x')]),
    /after the gzip stream/,
  ],
  ['second member cut', Buffer.concat([gz, gz.subarray(0, 100)]), /damaged gzip stream/],
  ['zstd cut', zst.subarray(0, -5), /damaged zstd stream/],
  ['zstd followed by other bytes', Buffer.concat([zst, Buffer.from('junkjunk')]), /zstd stream/],
  ['zstd with a window of 256 MiB', zstdWithWindow(28), /too much memory/],
  ['random bytes', randomBytes(5000), /not a tar archive/],
  ['gzip of random bytes', gzipSync(randomBytes(5000)), /not a tar archive/],
  ['zstd of random bytes', zstdCompressSync(randomBytes(5000)), /not a tar archive/],
]

for (const [name, blob, message] of refused) {
  test(`${name}: refused`, (t) => {
    assertRefused(() => apply(t, blob), message)
  })
}

for (const [name, magic] of [
  ['bzip2', 'BZh91AY&SY'],
  ['xz', '\xfd7zXZ\0\0\x04'],
] as const) {
  test(`${name}: refused by name`, (t) => {
    const blob = Buffer.concat([Buffer.from(magic, 'latin1'), randomBytes(600)])
    assert.throws(
      () => apply(t, blob),
      (error) =>
        error instanceof TsctrError && error.code === 'UNSUPPORTED' && error.message.includes(name),
    )
  })
}

function flipped(bytes: Buffer, offset: number, mask = 0xff): Buffer {
  const copy = Buffer.from(bytes)
  copy[offset] = (copy[offset] ?? 0) ^ mask
  return copy
}

/** Source: RFC 1952 §2.3: FEXTRA of 60000 bytes, then FNAME of 100000 */
function gzipWithHeader(bytes: Buffer): Buffer {
  const plain = gzipSync(bytes)
  const start = Buffer.from(plain.subarray(0, 10))
  start[3] = 0x04 | 0x08
  const extra = Buffer.alloc(60_002, 1)
  extra.writeUInt16LE(60_000, 0)
  const name = Buffer.concat([Buffer.alloc(100_000, 0x61), Buffer.alloc(1)])
  assert.equal(plain.readUInt32LE(plain.length - 8), crc32(bytes))
  return Buffer.concat([start, extra, name, plain.subarray(10)])
}

function zstdWithWindow(windowLog: number): Buffer {
  // Without a content size in the frame, so that the window is not cut down to it.
  const params = {
    [constants.ZSTD_c_windowLog]: windowLog,
    [constants.ZSTD_c_contentSizeFlag]: 0,
  }
  const frame = zstdCompressSync(archive, { params })
  // RFC 8878 §3.1.1.1.2: exponent in the upper five bits, from 1 KiB. One-shot compression knows
  // the size and picks a small window, so the descriptor is written here.
  const withWindow = Buffer.from(frame)
  withWindow[5] = (windowLog - 10) << 3
  return withWindow
}
