import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { collectGarbage, findGarbage } from '../../src/gc/collect-garbage.ts'
import { selfAsOwner } from '../../src/host/owner.ts'
import type { Digest } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-type.ts'
import { sha256Digest } from '../../src/oci/sha256.ts'
import { deleteContainer, insertContainer } from '../../src/store/containers.ts'
import { deleteImage } from '../../src/store/images.ts'
import { createLease } from '../../src/store/leases.ts'
import { ensureNamespace } from '../../src/store/namespaces.ts'
import { openStores, type Stores } from '../helpers/stores.ts'
import { blobsOf, type MadeImage, makeImage, makeIndex, nameImage } from './made-image.ts'

let stores: Stores
let children: ChildProcess[]
beforeEach(() => {
  children = []
  stores = openStores(mkdtempSync(join(tmpdir(), 'tsctr-gc-')))
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  stores.database.close()
  rmSync(stores.dataRoot, { recursive: true })
})

describe('an image', () => {
  test('keeps its manifest, config, layers and snapshots', () => {
    const image = makeImage(stores, ['base', 'top'])
    nameImage(stores, 'kept', image.manifest)
    assertNothingGoes()
    assert.deepEqual(stored(), contentsOf(image))
  })

  test('leaves nothing once its name is gone: no row, no file, no directory', () => {
    const image = makeImage(stores, ['base', 'top'])
    nameImage(stores, 'gone', image.manifest)
    deleteImage(stores.database, 'default', 'gone')
    const garbage = collectGarbage(stores)
    assert.deepEqual(sorted(garbage.blobs.map(({ digest }) => digest)), sorted(blobsOf(image)))
    assert.deepEqual(
      garbage.snapshots.map(({ key }) => key),
      image.chainIDs.toReversed(),
    )
    assert.deepEqual(stored(), contentsOf())
  })

  test('in another namespace counts as much', () => {
    const image = makeImage(stores, ['base'])
    nameImage(stores, 'here', image.manifest)
    ensureNamespace(stores.database, 'elsewhere')
    stores.database.exec(`UPDATE image SET namespace = 'elsewhere'`)
    assertNothingGoes()
  })

  test('takes only what no other image shares', () => {
    const first = makeImage(stores, ['shared', 'first'])
    const second = makeImage(stores, ['shared', 'second'])
    nameImage(stores, 'first', first.manifest)
    nameImage(stores, 'second', second.manifest)
    deleteImage(stores.database, 'default', 'first')
    collectGarbage(stores)
    assert.deepEqual(stored(), contentsOf(second))
  })

  test('has the layers of another in another order: the blobs stay, the snapshots go', () => {
    const first = makeImage(stores, ['one', 'two'])
    const second = makeImage(stores, ['two', 'one'])
    nameImage(stores, 'second', second.manifest)
    collectGarbage(stores)
    assert.deepEqual(first.layersBaseFirst.toReversed(), second.layersBaseFirst)
    assert.deepEqual(stored(), contentsOf(second))
  })

  test('of several platforms keeps those that are here; the others are nothing to it', () => {
    const pulled = makeImage(stores, ['amd64'])
    const alsoPulled = makeImage(stores, ['arm64'])
    const notPulled = {
      mediaType: mediaTypes.ociManifest,
      digest: sha256Digest(Buffer.from('never fetched')),
      sizeBytes: 1,
    }
    const inner = makeIndex(stores, [alsoPulled.manifest, notPulled])
    const index = makeIndex(stores, [notPulled, pulled.manifest, inner])
    nameImage(stores, 'many', index)
    assertNothingGoes()
    assert.deepEqual(stored(), contentsOf(pulled, alsoPulled, index.digest, inner.digest))
  })

  test('that was not unpacked keeps its blobs', () => {
    const image = makeImage(stores, ['base', 'top'])
    for (const chainID of image.chainIDs.toReversed()) stores.snapshots.remove(chainID)
    nameImage(stores, 'kept', image.manifest)
    assertNothingGoes()
  })

  test('whose layers are partly here keeps that part', () => {
    const image = makeImage(stores, ['base', 'top'])
    const [base, top] = image.layersBaseFirst as [Digest, Digest]
    stores.content.remove(top)
    nameImage(stores, 'kept', image.manifest)
    assertNothingGoes()
    assert.ok(stores.content.stat(base))
  })

  test('with a damaged config keeps its blobs, and the rest of the store is cleaned', () => {
    const damaged = makeImage(stores, ['base'])
    const unnamed = makeImage(stores, ['other'])
    nameImage(stores, 'damaged', damaged.manifest)
    const path = stores.content.blobPath(damaged.config)
    rmSync(path)
    writeFileSync(path, '{}')
    collectGarbage(stores)
    for (const digest of blobsOf(damaged)) assert.ok(stores.content.stat(digest))
    for (const digest of blobsOf(unnamed)) assert.equal(stores.content.stat(digest), undefined)
  })
})

describe('a container', () => {
  test('keeps its snapshot, those below, and its image after the name went', () => {
    const image = makeImage(stores, ['base', 'top'])
    const id = addContainer(image)
    assertNothingGoes()
    deleteContainer(stores.database, id)
    collectGarbage(stores)
    assert.deepEqual(stored(), contentsOf())
  })

  test('of one platform keeps the index it was pulled by', () => {
    const image = makeImage(stores, ['base'])
    const index = makeIndex(stores, [image.manifest])
    addContainer(image, index.digest)
    assertNothingGoes()
    assert.ok(stores.content.stat(index.digest))
  })
})

describe('a lease', () => {
  test('keeps a blob and a snapshot with what lies below it, until it is released', () => {
    const image = makeImage(stores, ['base', 'top'])
    const lease = createLease(stores.database, 'test')
    lease.hold('blob', ...blobsOf(image))
    lease.hold('snapshot', image.chainIDs[1] ?? '')
    assertNothingGoes()
    lease.release()
    collectGarbage(stores)
    assert.deepEqual(stored(), contentsOf())
  })

  test('keeps a blob alone, not what the blob names', () => {
    const image = makeImage(stores, ['base'])
    const lease = createLease(stores.database, 'test')
    lease.hold('blob', image.manifest.digest)
    collectGarbage(stores)
    assert.deepEqual(
      stores.content.list().map(({ digest }) => digest),
      [image.manifest.digest],
    )
  })

  test('of a killed process keeps nothing, and the row goes too', () => {
    const image = makeImage(stores, ['base'])
    createLease(stores.database, 'test').hold('blob', ...blobsOf(image))
    giveLeasesToDeadProcess()
    collectGarbage(stores)
    assert.deepEqual(stored(), contentsOf())
    assert.equal(count('lease'), 0)
    assert.equal(count('lease_resource'), 0)
  })
})

describe('an unfinished pull', { timeout: 60_000 }, () => {
  test('keeps all it has while it goes on, and leaves its download for the next when killed', async () => {
    const pull = await unfinishedPull()
    assertNothingGoes()
    assert.deepEqual(numbersOnDisk(), ['1'])
    assert.equal(pull.exitCode, null)
    pull.kill('SIGKILL')
    await once(pull, 'close')
    const garbage = collectGarbage(stores)
    assert.deepEqual(
      garbage.snapshots.map(({ key }) => key),
      ['extract layer'],
    )
    assert.equal(garbage.snapshots[0]?.reason, `left by \`pull\`: process ${pull.pid} is gone`)
    assert.ok((garbage.snapshots[0]?.sizeBytes ?? 0) > 4096, 'what was unpacked so far is measured')
    assert.deepEqual(numbersOnDisk(), [])
    assert.deepEqual(stores.content.list(), [])
    assert.equal(stores.content.ingests().length, 1)
  })

  test('that nobody went on with for a day goes altogether', async () => {
    const pull = await unfinishedPull()
    pull.kill('SIGKILL')
    await once(pull, 'close')
    const dead = stores.content.ingests().map(({ key }) => key)
    assert.equal(dead.length, 1)
    stores.database.prepare('UPDATE ingest SET started_at = ?').run(Date.now() - 25 * 3_600_000)
    const found = findGarbage(stores).ingests
    assert.deepEqual(
      found.map(({ key }) => key),
      dead,
    )
    assert.equal(found[0]?.ref, 'layer')
    assert.equal(found[0]?.sizeBytes, stores.content.ingests()[0]?.offsetBytes)
    assert.match(found[0]?.reason ?? '', new RegExp(`^begun by process ${pull.pid}, which is gone`))
    assert.equal(stores.content.ingests().length, 1)
    const { ingests, reclaimedBytes } = collectGarbage(stores)
    assert.deepEqual(ingests, found)
    assert.ok(reclaimedBytes >= (found[0]?.sizeBytes ?? 0))
    assert.deepEqual(readdirSync(join(stores.dataRoot, 'content', 'ingest')), [])
  })
})

describe('what a killed process left outside of the database', () => {
  test('goes: a blob without a row, a snapshot directory without a row', () => {
    const image = makeImage(stores, ['base'])
    nameImage(stores, 'kept', image.manifest)
    const orphan = join(stores.dataRoot, 'content', 'blobs', 'sha256', 'a'.repeat(64))
    writeFileSync(orphan, 'orphan')
    const directory = join(stores.dataRoot, 'snapshots', '99')
    mkdirSync(join(directory, 'fs', 'deep'), { recursive: true })
    const dry = findGarbage(stores)
    assert.deepEqual(
      dry.orphans.map(({ path }) => path),
      [orphan, directory],
    )
    assert.ok(existsSync(orphan))
    assert.deepEqual(collectGarbage(stores), dry)
    assert.equal(existsSync(orphan), false)
    assert.deepEqual(numbersOnDisk(), ['1'])
  })
})

describe('garbage collection', { timeout: 60_000 }, () => {
  test('killed between rows and files leaves no row without a file; the next one finishes', async () => {
    makeImage(stores, ['gone'])
    const kept = makeImage(stores, ['kept'])
    nameImage(stores, 'kept', kept.manifest)
    const [, signal] = await once(collectApart('--killed-after-rows'), 'close')
    assert.equal(signal, 'SIGKILL')
    assert.deepEqual(
      sorted(stores.content.list().map(({ digest }) => digest)),
      sorted(blobsOf(kept)),
    )
    assert.deepEqual(numbersOnDisk(), ['1', '2'])
    const { orphans, blobs } = collectGarbage(stores)
    assert.deepEqual([blobs.length, orphans.length], [0, 4])
    assert.deepEqual(stored(), contentsOf(kept))
  })

  test('goes on past what cannot be removed, and fails at its end', () => {
    makeImage(stores, ['gone'])
    const [first = ''] = stores.content.list().map(({ digest }) => digest)
    const path = stores.content.blobPath(first as Digest)
    rmSync(path)
    // A directory cannot be unlinked, whoever tries.
    mkdirSync(path)
    assert.throws(() => collectGarbage(stores), { code: /^E(ISDIR|PERM)$/ })
    assert.deepEqual(stores.content.list(), [])
    assert.deepEqual(readdirSync(join(stores.dataRoot, 'content/blobs/sha256')), [
      first.slice('sha256:'.length),
    ])
    assert.deepEqual(numbersOnDisk(), [])
    rmSync(path, { recursive: true })
    assertNothingGoes()
  })

  test('by several processes at once ends as by one', async () => {
    for (let n = 0; n < 20; n += 1) makeImage(stores, ['base', `layer ${n}`])
    const kept = makeImage(stores, ['base', 'kept'])
    nameImage(stores, 'kept', kept.manifest)
    const collectors = [1, 2, 3, 4].map(() => collectApart())
    const ends = await Promise.all(collectors.map((child) => once(child, 'close')))
    assert.deepEqual(
      ends.map(([code]) => code),
      [0, 0, 0, 0],
    )
    assert.deepEqual(stored(), contentsOf(kept))
  })
})

// cleanup used to remove such a directory by its number after its transaction, when another process
// may have been given the number.
test('a directory whose number is given again is not the new snapshot’s', () => {
  const snapshots = join(stores.dataRoot, 'snapshots')
  mkdirSync(join(snapshots, '1', 'fs'), { recursive: true })
  writeFileSync(join(snapshots, '1', 'fs', 'old'), '')
  // As if another collector had been stopped between its transaction and its removals.
  mkdirSync(join(snapshots, 'gone-1-other', 'fs'), { recursive: true })
  stores.snapshots.cleanup()
  assert.deepEqual(readdirSync(snapshots), [])
  stores.snapshots.prepare('new', undefined)
  assert.deepEqual(readdirSync(snapshots), ['1'])
})

describe('reasons', () => {
  test('say what is missing', () => {
    const image = makeImage(stores, ['base'])
    const lease = createLease(stores.database, 'pull docker.io/library/x:1')
    lease.hold('blob', image.config)
    giveLeasesToDeadProcess()
    const { blobs, snapshots, leases } = findGarbage(stores)
    const reasons = new Map(blobs.map(({ digest, reason }) => [digest, reason]))
    const died = `process ${process.pid} is gone`
    assert.equal(reasons.get(image.config), `left by \`pull docker.io/library/x:1\`: ${died}`)
    assert.equal(reasons.get(image.manifest.digest), 'no image names it')
    assert.equal(snapshots[0]?.reason, 'no image and no container needs it')
    assert.deepEqual(leases, [{ purpose: 'pull docker.io/library/x:1', reason: died }])
  })

  test('tell an expired lease from one of a dead process', () => {
    createLease(stores.database, 'load')
    stores.database.exec('UPDATE lease SET expires_at = 1000')
    const reason = 'expired at 1970-01-01T00:00:01.000Z'
    assert.deepEqual(collectGarbage(stores).leases, [{ purpose: 'load', reason }])
    assert.equal(count('lease'), 0)
  })
})

describe('a dry run', () => {
  test('names what would go and changes nothing', () => {
    const image = makeImage(stores, ['base', 'top'])
    const kept = makeImage(stores, ['base', 'kept'])
    nameImage(stores, 'kept', kept.manifest)
    const dry = findGarbage(stores)
    assert.deepEqual(stored(), contentsOf(image, kept))
    const { blobs, snapshots, reclaimedBytes } = collectGarbage(stores)
    assert.deepEqual([dry.blobs, dry.snapshots], [blobs, snapshots])
    assert.equal(dry.reclaimedBytes, reclaimedBytes)
    assert.ok(reclaimedBytes >= 'top'.length + snapshots.length * 4096)
  })

  test('counts the lease of a dead process for nothing', () => {
    const image = makeImage(stores, ['base'])
    const lease = createLease(stores.database, 'test')
    lease.hold('blob', ...blobsOf(image))
    lease.hold('snapshot', ...image.chainIDs)
    giveLeasesToDeadProcess()
    const dry = findGarbage(stores)
    assert.equal(dry.blobs.length, 3)
    assert.equal(dry.snapshots.length, 1)
    assert.equal(count('lease'), 1)
  })
})

// A layer may be committed after one above it was prepared.
test('a child with a lower number than its parent goes before it', () => {
  stores.snapshots.prepare('upper', undefined)
  stores.snapshots.prepare('lower', undefined)
  stores.snapshots.commit('below', 'lower')
  stores.snapshots.commit('above', 'upper', { parent: 'below' })
  const { snapshots } = collectGarbage(stores)
  assert.deepEqual(
    snapshots.map(({ key }) => key),
    ['above', 'below'],
  )
})

function assertNothingGoes(): void {
  const before = stored()
  const garbage = collectGarbage(stores)
  assert.deepEqual(garbage, {
    blobs: [],
    snapshots: [],
    ingests: [],
    leases: [],
    orphans: [],
    reclaimedBytes: 0,
  })
  assert.deepEqual(stored(), before)
}

interface Contents {
  readonly blobs: readonly string[]
  readonly snapshots: readonly string[]
}

/** What the rows say is there, after a look that the files say the same. */
function stored(): Contents {
  const blobs = stores.content.list().map(({ digest }) => String(digest))
  const files = readdirSync(join(stores.dataRoot, 'content', 'blobs', 'sha256'))
  assert.deepEqual(
    files.sort(),
    blobs.map((digest) => digest.slice('sha256:'.length)),
  )
  const snapshots = stores.snapshots.walk()
  assert.deepEqual(sorted(snapshots.map(({ number }) => String(number))), numbersOnDisk())
  return { blobs, snapshots: sorted(snapshots.map(({ key }) => key)) }
}

function contentsOf(...parts: readonly (MadeImage | Digest)[]): Contents {
  const blobs = parts.flatMap((part) => (typeof part === 'string' ? [part] : blobsOf(part)))
  const keys = parts.flatMap((part) => (typeof part === 'string' ? [] : part.chainIDs))
  return { blobs: sorted(blobs), snapshots: sorted(keys) }
}

function sorted(items: readonly string[]): string[] {
  return [...new Set(items)].sort()
}

function numbersOnDisk(): string[] {
  return readdirSync(join(stores.dataRoot, 'snapshots')).sort()
}

function count(table: 'lease' | 'lease_resource'): unknown {
  return stores.database.prepare(`SELECT count(*) FROM ${table}`).pluck().get()
}

/** A process that started before this one with the same pid, as it were. */
function giveLeasesToDeadProcess(): void {
  stores.database.exec('UPDATE lease SET owner_start_ticks = owner_start_ticks - 1')
}

function addContainer(image: MadeImage, targetDigest: Digest = image.manifest.digest): string {
  const id = 'c'.repeat(64)
  ensureNamespace(stores.database, 'default')
  insertContainer(stores.database, {
    id,
    namespace: 'default',
    name: 'box',
    imageName: 'gone',
    imageTargetDigest: targetDigest,
    imageConfigDigest: image.config,
    config: {},
    labels: {},
    snapshotter: 'overlayfs',
    snapshotKey: id,
    runtime: { name: 'runc', path: '/usr/sbin/runc' },
    owner: selfAsOwner(),
  })
  stores.snapshots.prepare(id, image.chainIDs.at(-1))
  return id
}

/** gc in a process of its own; see collect-process.ts. */
function collectApart(...args: string[]): ChildProcess {
  const script = join(import.meta.dirname, 'collect-process.ts')
  const node = ['--disable-warning=ExperimentalWarning', script, stores.dataRoot, ...args]
  const child = spawn(process.execPath, node, { stdio: ['ignore', 'ignore', 'inherit'] })
  children.push(child)
  return child
}

async function unfinishedPull(): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'unfinished-pull.ts')
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', script, stores.dataRoot],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  children.push(child)
  await once(child.stdout, 'data')
  return child
}
