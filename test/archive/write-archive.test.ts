import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { readArchive } from '../../src/archive/read-archive.ts'
import { type ArchiveEntry, archiveBytes } from '../../src/archive/write-archive.ts'

const text = (name: string, body: string): ArchiveEntry => ({
  name,
  kind: 'file',
  sizeBytes: Buffer.byteLength(body),
  bytes: () => [Buffer.from(body)],
})
const entries = [
  text('b', 'x'.repeat(513)),
  text('a/c', ''),
  { name: 'a', kind: 'directory' },
] as const

test('entries are sorted, belong to root and are as old as the epoch', async () => {
  const bytes = await buffer(archiveBytes(entries))
  const listed = execFileSync('tar', ['--utc', '-tvf', '-'], { input: bytes, encoding: 'utf8' })
  assert.deepEqual(
    listed
      .trim()
      .split('\n')
      .map((line) => line.split(/ +/).join(' ')),
    [
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 a/',
      '-rw-r--r-- 0/0 0 1970-01-01 00:00 a/c',
      '-rw-r--r-- 0/0 513 1970-01-01 00:00 b',
    ],
  )
  assert.ok(bytes.equals(await buffer(archiveBytes([...entries].reverse()))))
})

test('what is written is read again', async () => {
  const found: [string, string][] = []
  for await (const entry of readArchive(archiveBytes(entries), 'x')) {
    if (entry.kind !== 'file') continue
    found.push([entry.name, String(await buffer(entry.body))])
  }
  assert.deepEqual(found, [
    ['a/c', ''],
    ['b', 'x'.repeat(513)],
  ])
})

test('a body that is not as long as said is a bug', async () => {
  const short: ArchiveEntry = {
    name: 'a',
    kind: 'file',
    sizeBytes: 2,
    bytes: () => [Buffer.from('1')],
  }
  await assert.rejects(buffer(archiveBytes([short])), /^Error: bug: a: 1 bytes written, not 2$/)
})

test('a file larger than octal digits can say keeps its size', async () => {
  const sizeBytes = 9 * 1024 ** 3
  const stop = new Error('enough')
  const large: ArchiveEntry = {
    name: 'large',
    kind: 'file',
    sizeBytes,
    bytes: () => {
      throw stop
    },
  }
  const archive = archiveBytes([large])
  const header = (await archive.next()).value
  assert.ok(Buffer.isBuffer(header))
  await assert.rejects(archive.next(), stop)
  const reader = readArchive(
    (async function* () {
      yield header
    })(),
    'x',
  )
  const { value } = await reader.next()
  assert.equal(value?.kind === 'file' && value.sizeBytes, sizeBytes)
})
