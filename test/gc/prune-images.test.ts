import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { imageUsage } from '../../src/gc/disk-usage.ts'
import { storedBytes } from '../../src/gc/image-budget.ts'
import { type PruneImagesRequest, pruneImages } from '../../src/gc/prune-images.ts'
import { selfAsOwner } from '../../src/host/owner.ts'
import { parseImageFilter } from '../../src/image/image-filters.ts'
import { nameImages } from '../../src/image/name-images.ts'
import { insertContainer } from '../../src/store/containers.ts'
import { listImages } from '../../src/store/images.ts'
import { createLease } from '../../src/store/leases.ts'
import { openStores, type Stores } from '../helpers/stores.ts'
import { blobsOf, type MadeImage, makeImage, nameImage } from './made-image.ts'

const platform = { os: 'linux', architecture: 'amd64' }

let stores: Stores & { readonly namespace: string }
beforeEach(() => {
  stores = {
    ...openStores(mkdtempSync(join(tmpdir(), 'tsctr-prune-'))),
    namespace: 'default',
  }
})
afterEach(() => {
  stores.database.close()
  rmSync(stores.dataRoot, { recursive: true })
})

/** An image of its own layer over a shared one, used last so many days ago. */
function add(name: string, daysUnused: number): MadeImage {
  const image = makeImage(stores, ['base', name.repeat(1000)])
  nameImage(stores, fullName(name), image.manifest)
  const ms = Date.now() - daysUnused * 24 * 3_600_000
  stores.database
    .prepare('UPDATE image SET last_used_at = ? WHERE name = ?')
    .run(ms, fullName(name))
  return image
}

const fullName = (name: string): string => `docker.io/library/${name}:1`

function prune(request: Partial<PruneImagesRequest> = {}, ...filters: string[]) {
  return pruneImages(stores, {
    platform,
    isAll: true,
    filters: filters.map(parseImageFilter),
    ...request,
  })
}

function names(): string[] {
  const all = listImages(stores.database).map(({ name }) => name)
  return all.map((name) => name.replace('docker.io/library/', '').replace(':1', '')).sort()
}

function addContainer(image: MadeImage): void {
  insertContainer(stores.database, {
    id: 'c'.repeat(64),
    namespace: 'default',
    name: 'box',
    imageName: 'whatever',
    imageTargetDigest: image.manifest.digest,
    imageConfigDigest: image.config,
    config: {},
    labels: {},
    snapshotter: 'overlayfs',
    snapshotKey: undefined,
    runtime: { name: 'runc', path: '/usr/sbin/runc' },
    owner: selfAsOwner(),
  })
}

describe('pruneImages', () => {
  test('takes names that no container has, their blobs and their layers', () => {
    const used = add('used', 0)
    const unused = add('unused', 0)
    addContainer(used)
    const { untagged, deleted, reclaimedBytes } = prune()
    assert.deepEqual(names(), ['used'])
    assert.deepEqual(untagged, ['unused:1', `unused@${unused.manifest.digest}`])
    assert.deepEqual(deleted, [unused.config, unused.chainIDs[1]])
    assert.ok(reclaimedBytes > 6000)
    for (const digest of blobsOf(used)) assert.ok(stores.content.stat(digest))
  })

  test('without all takes what has no name, kept or not', () => {
    add('named', 0)
    const kept = makeImage(stores, ['kept without a name'])
    nameImages(stores, [{ target: kept.manifest, references: [] }])
    const lost = makeImage(stores, ['lost its name'])
    const { untagged, deleted } = prune({ isAll: false })
    assert.deepEqual(untagged, [])
    assert.deepEqual(
      deleted.toSorted(),
      [kept.config, kept.chainIDs[0], lost.config, lost.chainIDs[0]].toSorted(),
    )
    assert.deepEqual(names(), ['named'])
  })

  test('spares what a filter does not take, named or not', () => {
    add('old', 30)
    add('new', 1)
    const unnamed = makeImage(stores, ['unnamed'])
    prune({}, 'unused-for=7d')
    assert.deepEqual(names(), ['new'])
    assert.ok(stores.content.stat(unnamed.manifest.digest), 'stored just now')
    prune({}, 'label=none')
    assert.ok(stores.content.stat(unnamed.config))
    prune({}, 'label!=none')
    assert.equal(stores.content.stat(unnamed.config), undefined)
    assert.deepEqual(names(), [])
  })
})

describe('a budget', () => {
  test('takes those longest unused, and stops as soon as the rest fits', () => {
    for (const [days, name] of ['today', 'yesterday', 'before', 'long-ago'].entries())
      add(name, days)
    const bytes = storedBytes(stores)
    assert.deepEqual(prune({ keepBytes: bytes }).untagged, [])
    const { keptBytes } = prune({ keepBytes: bytes - 1 })
    assert.deepEqual(names(), ['before', 'today', 'yesterday'])
    assert.ok(keptBytes < bytes)
    assert.equal(keptBytes, storedBytes(stores))
    prune({ keepBytes: keptBytes - 1 })
    assert.deepEqual(names(), ['today', 'yesterday'])
    prune({ keepBytes: 0 })
    assert.deepEqual([names(), storedBytes(stores)], [[], 0])
  })

  test('counts what images share only once, and with the last that has it', () => {
    add('first', 9)
    add('second', 8)
    const bytes = storedBytes(stores)
    const { reclaimedBytes, keptBytes } = prune({ keepBytes: bytes - 1 })
    assert.deepEqual(names(), ['second'])
    assert.equal(reclaimedBytes, bytes - keptBytes)
  })

  test('is not met by taking an image that another namespace has too', () => {
    const image = add('both', 9)
    add('mine', 1)
    stores.database.exec(
      `INSERT INTO namespace (name, created_at) VALUES ('other', 0);
       INSERT INTO image SELECT 'other', name, target_media_type, target_digest, target_size_bytes,
         labels, created_at, updated_at, last_used_at FROM image WHERE name LIKE '%both%'`,
    )
    prune({ keepBytes: storedBytes(stores) - 1 })
    const left = listImages(stores.database, 'default').map(({ name }) => name)
    assert.deepEqual(left, [fullName('both')])
    assert.ok(stores.content.stat(image.config))
  })

  test('is met by what has no name, if that is enough', () => {
    add('named', 99)
    const named = storedBytes(stores)
    makeImage(stores, ['unnamed'])
    prune({ keepBytes: named })
    assert.deepEqual(names(), ['named'])
  })
})

test('usage: what is shared counts once, what is used or leased is not reclaimable', () => {
  const used = add('used', 0)
  add('unused', 0)
  const usage = (): ReturnType<typeof imageUsage> => imageUsage(stores, platform)
  const all = storedBytes(stores)
  assert.deepEqual(usage(), { total: 2, active: 0, sizeBytes: all, reclaimableBytes: all })
  addContainer(used)
  const { active, sizeBytes, reclaimableBytes } = usage()
  assert.deepEqual([active, sizeBytes], [1, all])
  assert.equal(prune().reclaimedBytes, reclaimableBytes)
  const held = add('held', 0)
  const lease = createLease(stores.database, 'test')
  lease.hold('blob', ...blobsOf(held))
  lease.hold('snapshot', ...held.chainIDs)
  assert.equal(usage().reclaimableBytes, 0)
})
