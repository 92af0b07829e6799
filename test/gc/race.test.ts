import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { collectGarbage } from '../../src/gc/collect-garbage.ts'
import { checkImages } from '../../src/image/check-image.ts'
import { chainIDs } from '../../src/oci/chain-id.ts'
import type { DiffID, Digest } from '../../src/oci/digest.ts'
import { listImages } from '../../src/store/images.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { type ImageServer, imageStores, startImageServer } from '../image/image-server.ts'

const platform = { os: 'linux', architecture: 'amd64' }
const kills = 6

let server: ImageServer
let stores: ReturnType<typeof imageStores>
let children: ChildProcess[]
/** What each image needs, by its name. */
let needs: Map<string, { readonly blobs: readonly Digest[]; readonly snapshots: readonly string[] }>

beforeEach(async () => {
  children = []
  server = await startImageServer()
  stores = imageStores()
  const base = tarOf(file('base', 'base'))
  needs = new Map()
  for (const tag of ['one', 'two']) {
    const added = server.add(tag, { layersBaseFirst: [base, tarOf(file(tag, tag))] })
    const layers = added.layersBaseFirst.map(({ digest }) => digest)
    needs.set(`${server.server.host}/app:${tag}`, {
      blobs: [added.manifest.digest, added.config.digest, ...layers],
      // Layers that are not compressed are their own diffIDs.
      snapshots: chainIDs(layers as DiffID[]),
    })
  }
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  stores.close()
  await server.close()
})

test('pulls, removals and collections at once leave no image that lacks something', {
  timeout: 120_000,
}, async () => {
  const [one = '', two = ''] = needs.keys()
  const lasting = await Promise.all([
    start('pull', one, two),
    start('pull', two),
    start('remove', two, one),
    start('collect'),
    start('collect'),
  ])
  let looks = 0
  for (let killed = 0; killed < kills; killed += 1) {
    const victim = await start('pull', one, two)
    await delay(Math.random() * 150)
    for (let n = 0; n < 10; n += 1) {
      looks += checkRows()
      await delay(20)
    }
    victim.kill('SIGKILL')
    await once(victim, 'close')
  }
  for (const child of lasting) child.kill('SIGTERM')
  const counts = await Promise.all(lasting.map(ended))
  assert.ok(
    counts.every((count) => count > 3),
    `each did something: ${counts}`,
  )
  assert.ok(looks > 0)
  const checked = await checkImages(stores, { texts: [], platform, readsBlobs: true })
  for (const { name, problems, isUnpacked } of checked) {
    assert.deepEqual([name, problems, isUnpacked], [name, [], true])
  }
  collectGarbage(stores)
  assertRowsAreFiles()
})

/** In one read transaction, so that all is of one moment. @returns how many images there were */
function checkRows(): number {
  return stores.database.transaction(() => {
    const images = listImages(stores.database)
    const snapshots = new Set(stores.snapshots.walk().map(({ key }) => key))
    for (const { name } of images) {
      const needed = needs.get(name) ?? assert.fail(name)
      for (const digest of needed.blobs)
        assert.ok(stores.content.stat(digest), `${name}: ${digest}`)
      for (const key of needed.snapshots) assert.ok(snapshots.has(key), `${name}: ${key}`)
    }
    return images.length
  })()
}

function assertRowsAreFiles(): void {
  const blobs = stores.content.list().map(({ digest }) => digest.slice('sha256:'.length))
  assert.deepEqual(readdirSync(join(stores.dataRoot, 'content/blobs/sha256')).sort(), blobs)
  const numbers = stores.snapshots.walk().map(({ number }) => String(number))
  assert.deepEqual(readdirSync(join(stores.dataRoot, 'snapshots')).sort(), numbers.sort())
}

async function start(...args: string[]): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'race-process.ts')
  const [deed = '', ...names] = args
  const node = ['--disable-warning=ExperimentalWarning', script, stores.dataRoot, deed, ...names]
  const child = spawn(process.execPath, node, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  await once(child.stdout, 'data')
  return child
}

/** @returns how often a child did what it does */
async function ended(child: ChildProcess): Promise<number> {
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  const [code] = await once(child, 'close')
  assert.equal(code, 0)
  return Number(text)
}
