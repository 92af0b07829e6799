import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { sha256Digest } from '../../src/oci/sha256.ts'
import { openStores, type Stores } from '../helpers/stores.ts'

const bytes = randomBytes(300_000)
const digest = sha256Digest(bytes)
let root: string
let stores: Stores

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsctr-stage-'))
  stores = openStores(root)
})
afterEach(() => {
  stores.database.close()
  rmSync(root, { recursive: true, force: true })
})

function ingests(): string[] {
  return readdirSync(join(root, 'content/ingest'))
}

async function* inPieces(): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += 70_000) {
    yield bytes.subarray(offset, offset + 70_000)
  }
}

test('a staged blob has no name until it is committed', async () => {
  const staged = await stores.content.stage(inPieces())
  assert.deepEqual([staged.digest, staged.sizeBytes], [digest, bytes.length])
  assert.deepEqual(readFileSync(staged.path), bytes)
  assert.equal(stores.content.stat(digest), undefined)
  assert.ok(!existsSync(stores.content.blobPath(digest)))
  const descriptor = stores.content.commitStaged(staged, 'application/x-test')
  assert.deepEqual(descriptor, {
    mediaType: 'application/x-test',
    digest,
    sizeBytes: bytes.length,
  })
  assert.deepEqual(readFileSync(stores.content.blobPath(digest)), bytes)
  assert.equal(statSync(stores.content.blobPath(digest)).mode & 0o777, 0o444)
  assert.deepEqual(ingests(), [])
})

test('one that is there already is kept as it is', async () => {
  stores.content.writeDocument(bytes, { mediaType: 'application/x-first' })
  stores.content.commitStaged(await stores.content.stage([bytes]), 'application/x-second')
  assert.equal(stores.content.stat(digest)?.mediaType, 'application/x-first')
  assert.deepEqual(ingests(), [])
})

test('nothing is left of one that is discarded, or whose source fails', async () => {
  const staged = await stores.content.stage(inPieces())
  staged.discard()
  staged.discard()
  assert.deepEqual(ingests(), [])
  const failing = async function* (): AsyncGenerator<Buffer> {
    yield bytes
    throw new Error('source failed')
  }
  await assert.rejects(stores.content.stage(failing()), /source failed/)
  const stop = new AbortController()
  stop.abort(new Error('stopped'))
  await assert.rejects(stores.content.stage(inPieces(), stop.signal), /stopped/)
  assert.deepEqual(ingests(), [])
})

test('gc leaves alone what is being staged, and takes at once what a dead process left', async () => {
  const staged = await stores.content.stage(inPieces())
  assert.deepEqual(stores.content.sweepDeadIngests({ minAgeMs: 0 }), [])
  // The lock is what a dying process loses.
  const script = `
    import { openStores } from '${import.meta.dirname}/../helpers/stores.ts'
    const stores = openStores('${root}')
    await stores.content.stage([Buffer.from('left behind')])
    process.kill(process.pid, 'SIGKILL')`
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript']
  spawnSync(process.execPath, [...flags, '-e', script], {
    cwd: import.meta.dirname,
    stdio: 'inherit',
  })
  assert.equal(ingests().length, 2)
  const hourMs = 3_600_000
  assert.equal(stores.content.sweepDeadIngests({ minAgeMs: hourMs }).length, 1)
  assert.equal(ingests().length, 1)
  staged.discard()
})
