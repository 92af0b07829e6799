import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, test } from 'node:test'
import { contentMigrations } from '../../src/content/schema.ts'
import { ContentStore } from '../../src/content/store.ts'
import { type Database, openDatabase } from '../../src/host/database.ts'
import { MNT_DETACH, MS_REMOUNT, mount, umount2 } from '../../src/host/libc.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import type { Digest } from '../../src/oci/digest.ts'
import { needsRoot } from '../helpers/capabilities.ts'

let root: string
let database: Database
let store: ContentStore

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsctr-content-'))
  database = openDatabase(join(root, 'meta.db'), contentMigrations)
  store = new ContentStore({ root: join(root, 'content'), database })
})

afterEach(() => {
  database.close()
  rmSync(root, { recursive: true, force: true })
})

const bytes = randomBytes(300_000)
const blob = describe(bytes)

test('a fetched blob is a read-only file named by its digest, with a row and no ingest', async () => {
  assert.equal(await store.ensureBlob(blob, { ref: 'layer', open: serve(bytes) }), 'fetched')
  assert.deepEqual(readFileSync(store.blobPath(blob.digest)), bytes)
  assert.equal(statSync(store.blobPath(blob.digest)).mode & 0o777, 0o444)
  assert.equal(statSync(join(root, 'content', 'blobs')).mode & 0o777, 0o700)
  assert.equal(store.stat(blob.digest)?.sizeBytes, bytes.length)
  assert.equal(store.stat(blob.digest)?.mediaType, 'application/x-test')
  assertNoIngest()
})

test('a blob that is there is not fetched again', async () => {
  await store.ensureBlob(blob, { ref: 'layer', open: serve(bytes) })
  assert.equal(await store.ensureBlob(blob, { ref: 'layer', open: mustNotOpen }), 'present')
})

test('a blob file without a row is adopted', async () => {
  writeFileSync(store.blobPath(blob.digest), bytes)
  assert.equal(await store.ensureBlob(blob, { ref: 'layer', open: mustNotOpen }), 'present')
  assert.equal(store.stat(blob.digest)?.sizeBytes, bytes.length)
})

test('a blob file that was cut after its commit is fetched again', async () => {
  await store.ensureBlob(blob, { ref: 'layer', open: serve(bytes) })
  rmSync(store.blobPath(blob.digest))
  writeFileSync(store.blobPath(blob.digest), bytes.subarray(0, 10))
  assert.equal(await store.ensureBlob(blob, { ref: 'layer', open: serve(bytes) }), 'fetched')
  assert.deepEqual(readFileSync(store.blobPath(blob.digest)), bytes)
})

test('an empty blob is a blob', async () => {
  const empty = describe(Buffer.alloc(0))
  assert.equal(await store.ensureBlob(empty, { ref: 'layer', open: mustNotOpen }), 'fetched')
  assert.equal(statSync(store.blobPath(empty.digest)).size, 0)
})

test('a short blob fails by its size and leaves nothing behind', async () => {
  const fetching = store.ensureBlob(blob, { ref: 'layer', open: serve(bytes.subarray(0, 1000)) })
  await assert.rejects(fetching, {
    code: 'DIGEST_MISMATCH',
    message: `blob ${blob.digest}: expected 300000 bytes, got 1000`,
  })
  assertNothing(blob)
})

test('a long blob fails as soon as it is too long and leaves nothing behind', async () => {
  const endless = (): Promise<{ stream: Readable; offsetBytes: number }> =>
    Promise.resolve({ stream: Readable.from(forever()), offsetBytes: 0 })
  await assert.rejects(store.ensureBlob(blob, { ref: 'layer', open: endless }), {
    code: 'DIGEST_MISMATCH',
    message: `blob ${blob.digest}: expected 300000 bytes, got more`,
  })
  assertNothing(blob)
})

test('a blob with another digest fails and leaves nothing behind', async () => {
  const other = Buffer.from(bytes)
  other[12_345] = (other[12_345] ?? 0) ^ 1
  await assert.rejects(store.ensureBlob(blob, { ref: 'layer', open: serve(other) }), {
    code: 'DIGEST_MISMATCH',
    message: `blob ${blob.digest}: expected ${blob.digest}, got ${describe(other).digest}`,
  })
  assertNothing(blob)
})

test('a present blob whose descriptor lies about its size is refused, and stays', async () => {
  await store.ensureBlob(blob, { ref: 'layer', open: serve(bytes) })
  const lie = { ...blob, sizeBytes: 7 }
  await assert.rejects(store.ensureBlob(lie, { ref: 'layer', open: mustNotOpen }), {
    code: 'DIGEST_MISMATCH',
  })
  assert.ok(store.stat(blob.digest))
})

test('a broken download keeps its bytes, and the next one asks for the rest only', async () => {
  await breakDownload(100_000)
  const [ingest] = store.ingests()
  assert.equal(ingest?.offsetBytes, 100_000)
  assert.equal(ingest?.totalBytes, 300_000)
  assert.equal(ingest?.ref, 'layer')
  const offsets: number[] = []
  const progress: number[] = []
  const outcome = await store.ensureBlob(blob, {
    ref: 'layer',
    open: serve(bytes, offsets),
    onProgress: (offset) => progress.push(offset),
  })
  assert.equal(outcome, 'fetched')
  assert.deepEqual(offsets, [100_000])
  assert.equal(progress[0], 100_000)
  assert.equal(progress.at(-1), 300_000)
  assert.deepEqual(readFileSync(store.blobPath(blob.digest)), bytes)
})

test('a source that cannot start in the middle starts over', async () => {
  await breakDownload(100_000)
  await store.ensureBlob(blob, {
    ref: 'layer',
    open: async () => ({ stream: Readable.from(chunks(bytes)), offsetBytes: 0 }),
  })
  assert.deepEqual(readFileSync(store.blobPath(blob.digest)), bytes)
})

test('when what was kept turns out wrong, the blob is fetched from the start', async () => {
  await breakDownload(100_000)
  writeFileSync(ingestFile('data'), Buffer.alloc(100_000))
  const offsets: number[] = []
  await store.ensureBlob(blob, { ref: 'layer', open: serve(bytes, offsets) })
  assert.deepEqual(offsets, [100_000, 0])
  assert.deepEqual(readFileSync(store.blobPath(blob.digest)), bytes)
})

test('a kept download that is longer than the blob starts over', async () => {
  await breakDownload(100_000)
  writeFileSync(ingestFile('data'), Buffer.alloc(400_000))
  const offsets: number[] = []
  await store.ensureBlob(blob, { ref: 'layer', open: serve(bytes, offsets) })
  assert.deepEqual(offsets, [0])
})

test('a kept download that is complete needs no source', async () => {
  await breakDownload(100_000)
  writeFileSync(ingestFile('data'), bytes)
  assert.equal(await store.ensureBlob(blob, { ref: 'layer', open: mustNotOpen }), 'fetched')
})

test('a download that brought nothing leaves nothing behind', async () => {
  const open = (): Promise<never> => Promise.reject(new Error('no route'))
  await assert.rejects(store.ensureBlob(blob, { ref: 'layer', open }), /no route/)
  assertNothing(blob)
})

test('an aborted download keeps its bytes', async () => {
  const controller = new AbortController()
  const fetching = store.ensureBlob(blob, {
    ref: 'layer',
    open: serve(bytes),
    signal: controller.signal,
    onProgress: (offset) => {
      if (offset > 0) controller.abort(new Error('stop'))
    },
  })
  await assert.rejects(fetching, /stop/)
  assert.ok((store.ingests()[0]?.offsetBytes ?? 0) > 0)
})

test('two calls at once for one blob fetch it once', async () => {
  const offsets: number[] = []
  const outcomes = await Promise.all(
    [1, 2, 3].map(() => store.ensureBlob(blob, { ref: 'layer', open: serve(bytes, offsets) })),
  )
  assert.deepEqual(outcomes.sort(), ['fetched', 'present', 'present'])
  assert.deepEqual(offsets, [0])
  assertNoIngest()
})

test('a full disk is one clear error, and the download goes on when there is space', {
  skip: needsRoot(),
}, async () => {
  const small = join(root, 'small')
  mkdirSync(small)
  mount('tmpfs', small, 'tmpfs', 0, 'size=200k')
  try {
    const full = new ContentStore({ root: small, database })
    const path = join(small, 'ingest', blob.digest.slice(7), 'data')
    await assert.rejects(full.ensureBlob(blob, { ref: 'layer', open: serve(bytes) }), {
      code: 'FAILED_PRECONDITION',
      message: `${path}: no space left on device`,
    })
    mount('tmpfs', small, 'tmpfs', MS_REMOUNT, 'size=2m')
    const offsets: number[] = []
    await full.ensureBlob(blob, { ref: 'layer', open: serve(bytes, offsets) })
    assert.ok((offsets[0] ?? 0) > 0)
    assert.deepEqual(readFileSync(full.blobPath(blob.digest)), bytes)
  } finally {
    umount2(small, MNT_DETACH)
  }
})

test('a document is stored and read back by its digest', () => {
  const written = store.writeDocument(Buffer.from('{}'), { mediaType: 'application/x-doc' })
  assert.deepEqual(written, { ...describe(Buffer.from('{}')), mediaType: 'application/x-doc' })
  assert.equal(store.readDocument(written.digest, 100).toString(), '{}')
  assert.deepEqual(
    store.writeDocument(Buffer.from('{}'), { mediaType: 'x' }).digest,
    written.digest,
  )
  assert.equal(store.list().length, 1)
  assertNoIngest()
})

test('a document with another digest than expected is not stored', () => {
  const write = (): unknown =>
    store.writeDocument(Buffer.from('{}'), { mediaType: 'x', expected: blob.digest })
  assert.throws(write, { code: 'DIGEST_MISMATCH' })
  assert.deepEqual(store.list(), [])
})

test('reading a document checks its size, its bytes and that it is there', () => {
  const { digest } = store.writeDocument(Buffer.from('{"a":1}'), { mediaType: 'x' })
  assert.throws(() => store.readDocument(digest, 6), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => store.readDocument(blob.digest, 6), { code: 'NOT_FOUND' })
  rmSync(store.blobPath(digest))
  writeFileSync(store.blobPath(digest), '{"a":2}')
  assert.throws(() => store.readDocument(digest, 100), { code: 'DIGEST_MISMATCH' })
})

test('openBlob streams the bytes', async () => {
  await store.ensureBlob(blob, { ref: 'layer', open: serve(bytes) })
  assert.deepEqual(await buffer(store.openBlob(blob.digest)), bytes)
  const missing = describe(Buffer.from('missing')).digest
  assert.throws(() => store.openBlob(missing), { code: 'NOT_FOUND' })
})

test('remove takes the row and the file, and is repeatable', async () => {
  await store.ensureBlob(blob, { ref: 'layer', open: serve(bytes) })
  store.remove(blob.digest)
  store.remove(blob.digest)
  assertNothing(blob)
})

test('removeOrphans removes files without a row and no others', async () => {
  await store.ensureBlob(blob, { ref: 'layer', open: serve(bytes) })
  const orphan = describe(Buffer.from('orphan'))
  writeFileSync(store.blobPath(orphan.digest), 'orphan')
  writeFileSync(join(root, 'content', 'blobs', 'sha256', 'README'), 'not a blob')
  assert.deepEqual(store.removeOrphans(), [orphan.digest])
  assert.ok(existsSync(store.blobPath(blob.digest)))
})

test('a sweep leaves ingests of live processes and takes those of dead ones', async () => {
  await breakDownload(100_000)
  assert.deepEqual(store.sweepDeadIngests({ minAgeMs: 0 }), [])
  database.prepare('UPDATE ingest SET owner_start_ticks = owner_start_ticks + 1').run()
  assert.deepEqual(store.sweepDeadIngests({ minAgeMs: 3_600_000 }), [])
  assert.equal(store.sweepDeadIngests({ minAgeMs: 0 }).length, 1)
  assertNothing(blob)
})

test('a sweep leaves a locked ingest even if its row is gone', async () => {
  const keys: string[][] = []
  await store.ensureBlob(blob, {
    ref: 'layer',
    open: (offset) => {
      database.prepare('DELETE FROM ingest').run()
      keys.push(store.sweepDeadIngests({ minAgeMs: 0 }))
      assert.throws(() => store.removeIngest(blob.digest.slice(7)), { code: 'FAILED_PRECONDITION' })
      return serve(bytes)(offset)
    },
  })
  assert.deepEqual(keys, [[]])
})

test('a sweep takes a directory without a row and a row without a directory', async () => {
  mkdirSync(join(root, 'content', 'ingest', 'left-behind'))
  await breakDownload(100_000)
  rmSync(join(root, 'content', 'ingest', blob.digest.slice(7)), { recursive: true })
  database.prepare('UPDATE ingest SET owner_start_ticks = owner_start_ticks + 1').run()
  assert.equal(store.sweepDeadIngests({ minAgeMs: 0 }).length, 2)
  assertNoIngest()
})

test('removeIngest gives up a kept download', async () => {
  await breakDownload(100_000)
  store.removeIngest(blob.digest.slice(7))
  assertNothing(blob)
  store.removeIngest(blob.digest.slice(7))
})

async function breakDownload(afterBytes: number): Promise<void> {
  const open = async (): Promise<{ stream: Readable; offsetBytes: number }> => ({
    stream: Readable.from(breakAfter(bytes.subarray(0, afterBytes))),
    offsetBytes: 0,
  })
  await assert.rejects(store.ensureBlob(blob, { ref: 'layer', open }), /connection lost/)
}

function describe(content: Buffer): Descriptor {
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}` as Digest
  return { mediaType: 'application/x-test', digest, sizeBytes: content.length }
}

function serve(content: Buffer, offsets: number[] = []) {
  return (offsetBytes: number): Promise<{ stream: Readable; offsetBytes: number }> => {
    offsets.push(offsetBytes)
    const stream = Readable.from(chunks(content.subarray(offsetBytes)))
    return Promise.resolve({ stream, offsetBytes })
  }
}

function mustNotOpen(): never {
  throw new Error('must not be fetched')
}

function* chunks(content: Buffer): Generator<Buffer> {
  for (let start = 0; start < content.length; start += 10_000) {
    yield content.subarray(start, start + 10_000)
  }
}

function* breakAfter(content: Buffer): Generator<Buffer> {
  yield* chunks(content)
  throw new Error('connection lost')
}

function* forever(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(10_000)
}

function ingestFile(name: string): string {
  return join(root, 'content', 'ingest', blob.digest.slice(7), name)
}

function assertNoIngest(): void {
  assert.deepEqual(store.ingests(), [])
  assert.deepEqual(readdirSync(join(root, 'content', 'ingest')), [])
}

function assertNothing(descriptor: Descriptor): void {
  assert.equal(store.stat(descriptor.digest), undefined)
  assert.equal(existsSync(store.blobPath(descriptor.digest)), false)
  assertNoIngest()
}
