import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { selfAsOwner } from '../../src/host/owner.ts'
import { parseImageFilter } from '../../src/image/image-filters.ts'
import { type ImageTree, listImageTree } from '../../src/image/list-image-tree.ts'
import { mediaTypes } from '../../src/oci/media-type.ts'
import { sha256Digest } from '../../src/oci/sha256.ts'
import { insertContainer } from '../../src/store/containers.ts'
import { blobsOf, type MadeImage, makeImage, makeIndex, nameImage } from '../gc/made-image.ts'
import { openStores, type Stores } from '../helpers/stores.ts'

const platform = { os: 'linux', architecture: 'amd64' }
const absent = {
  mediaType: mediaTypes.ociManifest,
  digest: sha256Digest(Buffer.from('never fetched')),
  sizeBytes: 1,
}

let stores: Stores & { readonly namespace: string }
beforeEach(() => {
  stores = { ...openStores(mkdtempSync(join(tmpdir(), 'tsctr-tree-'))), namespace: 'default' }
})
afterEach(() => {
  stores.database.close()
  rmSync(stores.dataRoot, { recursive: true })
})

function trees(...filters: string[]): ImageTree[] {
  return listImageTree(stores, platform, filters.map(parseImageFilter))
}

function addContainer(image: MadeImage): void {
  insertContainer(stores.database, {
    id: 'c'.repeat(64),
    namespace: 'default',
    name: 'user',
    imageName: 'any',
    imageTargetDigest: undefined,
    imageConfigDigest: image.config,
    config: {},
    labels: {},
    snapshotter: 'overlayfs',
    snapshotKey: undefined,
    runtime: { name: 'runc', path: '/usr/bin/runc' },
    owner: selfAsOwner(),
  })
}

const bytesOf = (image: MadeImage): number =>
  blobsOf(image).reduce((sum, digest) => sum + (stores.content.stat(digest)?.sizeBytes ?? 0), 0)

describe('listImageTree', () => {
  test('an index: what is here first, then what is not; each blob and layer counts once', () => {
    const first = makeImage(stores, ['base', 'first'])
    const second = makeImage(stores, ['base', 'second'])
    const index = makeIndex(stores, [absent, first.manifest, second.manifest])
    nameImage(stores, 'docker.io/library/many:1', index)
    addContainer(second)
    const [tree = assert.fail('no image'), ...others] = trees()
    assert.deepEqual(others, [])
    assert.equal(tree.target, index.digest)
    assert.deepEqual(
      tree.platforms.map(({ manifest, isHere, isUsed }) => [manifest, isHere, isUsed]),
      [
        [first.manifest.digest, true, false],
        [second.manifest.digest, true, true],
        [absent.digest, false, false],
      ],
    )
    assert.equal(tree.isUsed, true)
    const [one, two, none] = tree.platforms
    assert.equal(one?.contentBytes, bytesOf(first))
    assert.deepEqual(one?.platform, { ...platform, variant: undefined, osVersion: undefined })
    assert.deepEqual([none?.diskBytes, none?.contentBytes], [0, 0])
    const shared = stores.content.stat(first.layersBaseFirst[0] as never)?.sizeBytes ?? 0
    assert.equal(
      tree.contentBytes,
      index.sizeBytes + (one?.contentBytes ?? 0) + (two?.contentBytes ?? 0) - shared,
    )
    const unpacked = (of: ImageTree['platforms'][number] | undefined): number =>
      (of?.diskBytes ?? 0) - (of?.contentBytes ?? 0)
    const base = stores.snapshots.stat(first.chainIDs[0] as string).usage?.sizeBytes ?? 0
    assert.ok(base > 0)
    assert.equal(tree.diskBytes - tree.contentBytes, unpacked(one) + unpacked(two) - base)
  })

  test('names of one target stand together; filters choose among names', () => {
    const image = makeImage(stores, ['one'])
    for (const name of ['a', 'b']) {
      nameImage(stores, `docker.io/library/${name}:1`, image.manifest)
    }
    assert.deepEqual(
      trees().map(({ names }) => names),
      [['docker.io/library/a:1', 'docker.io/library/b:1']],
    )
    assert.deepEqual(
      trees('reference=b').map(({ names }) => names),
      [['docker.io/library/b:1']],
    )
  })

  test('an image whose document is gone is shown without platforms', () => {
    nameImage(stores, 'docker.io/library/gone:1', absent)
    const [tree] = trees()
    assert.deepEqual(tree?.platforms, [])
    assert.deepEqual([tree?.diskBytes, tree?.contentBytes, tree?.isUsed], [0, 0, false])
  })
})
