import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, test } from 'node:test'
import { readArchive } from '../../src/archive/read-archive.ts'
import { hasCode } from '../../src/errors.ts'
import { type SaveRequest, saveImages } from '../../src/image/save.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { digestHex } from '../../src/oci/digest.ts'
import { type MadeImage, makeImage, makeIndex, nameImage } from '../gc/made-image.ts'
import { imageStores } from './image-server.ts'

const preferred = { os: 'linux', architecture: 'amd64' }
let stores: ReturnType<typeof imageStores>
let image: MadeImage

beforeEach(() => {
  stores = imageStores()
  image = makeImage(stores, ['base', 'top'])
  nameImage(stores, 'docker.io/library/app:1', image.manifest)
})
afterEach(() => stores.close())

async function save(texts: readonly string[], more: Partial<SaveRequest> = {}): Promise<Buffer> {
  const chunks: Buffer[] = []
  const request = { texts, platforms: 'here' as const, preferred, excluded: new Set<never>() }
  await saveImages(stores, { ...request, ...more }, async (bytes) => void chunks.push(bytes))
  return Buffer.concat(chunks)
}

async function filesOf(archive: Buffer): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>()
  for await (const entry of readArchive(
    (async function* () {
      yield archive
    })(),
    'x',
  )) {
    if (entry.kind !== 'file') continue
    const chunks: Buffer[] = []
    for await (const chunk of entry.body) chunks.push(chunk)
    found.set(entry.name, Buffer.concat(chunks))
  }
  return found
}

function json(files: Map<string, Buffer>, name: string): never {
  return JSON.parse(String(files.get(name))) as never
}

test('each blob is under its digest, and both manifests name the same', async () => {
  const files = await filesOf(await save(['app:1']))
  for (const [name, bytes] of files) {
    const hex = /^blobs\/sha256\/(.*)$/.exec(name)?.[1]
    if (hex !== undefined) assert.equal(createHash('sha256').update(bytes).digest('hex'), hex)
  }
  assert.equal(files.size, 4 + 3)
  assert.deepEqual(json(files, 'manifest.json'), [
    {
      Config: `blobs/sha256/${digestHex(image.config)}`,
      RepoTags: ['app:1'],
      Layers: image.layersBaseFirst.map((digest) => `blobs/sha256/${digestHex(digest)}`),
    },
  ])
  const [entry] = (json(files, 'index.json') as { manifests: { annotations: object }[] }).manifests
  assert.deepEqual(entry?.annotations, {
    'io.containerd.image.name': 'docker.io/library/app:1',
    'org.opencontainers.image.ref.name': '1',
  })
  assert.deepEqual(stores.database.prepare('SELECT * FROM lease').all(), [])
})

test('an image under two names is there once with both', async () => {
  nameImage(stores, 'example.com/other:2', image.manifest)
  const files = await filesOf(await save(['app:1', 'example.com/other:2', 'app']))
  const [only, another] = json(files, 'manifest.json') as { RepoTags: string[] }[]
  assert.deepEqual(only?.RepoTags, ['app:1', 'example.com/other:2'])
  assert.equal(another, undefined)
  assert.equal((json(files, 'index.json') as { manifests: [] }).manifests.length, 2)
})

test('excluded layers are left out, and need not be here', async () => {
  const [base] = image.layersBaseFirst
  assert.ok(base !== undefined)
  stores.content.remove(base)
  await assert.rejects(save(['app:1']), (error) => {
    assert.ok(hasCode(error, 'NOT_FOUND'))
    assert.equal(error.message, `image app:1: not whole here: ${base}`)
    return true
  })
  const files = await filesOf(await save(['app:1'], { excluded: new Set([base, image.config]) }))
  assert.ok(!files.has(`blobs/sha256/${digestHex(base)}`))
  assert.ok(files.has(`blobs/sha256/${digestHex(image.config)}`))
})

test('of an index, the platforms that are here are saved', async () => {
  const absent = `sha256:${'0'.repeat(64)}` as Descriptor['digest']
  const index = makeIndex(stores, [image.manifest, { ...image.manifest, digest: absent }])
  nameImage(stores, 'docker.io/library/many:1', index)
  const files = await filesOf(await save(['many:1']))
  assert.ok(files.has(`blobs/sha256/${digestHex(index.digest)}`))
  assert.equal(files.size, 5 + 3)
  await assert.rejects(save(['many:1'], { platforms: 'all' }), /not here for sha256:0+$/)
  const arm64 = { os: 'linux', architecture: 'arm64' }
  await assert.rejects(
    save(['many:1'], { platforms: [arm64] }),
    /not here for platform linux\/arm64/,
  )
  assert.equal((await filesOf(await save(['many:1'], { platforms: [preferred] }))).size, 5 + 3)
})
