import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { TsctrError } from '../../src/errors.ts'
import { hostPlatform } from '../../src/host/platform.ts'
import type { ProgressEvent } from '../../src/image/progress.ts'
import { type PullRequest, pullImage } from '../../src/image/pull.ts'
import { familiarName } from '../../src/oci/reference.ts'
import { listImages } from '../../src/store/images.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { type ImageServer, imageStores, startImageServer } from './image-server.ts'

let server: ImageServer
let stores: ReturnType<typeof imageStores>

beforeEach(async () => {
  server = await startImageServer()
  stores = imageStores()
})
afterEach(async () => {
  stores.close()
  await server.close()
})

const layers = ['base', 'middle', 'top'].map((name) => tarOf(file(name, name)))

function pull(tag: string, more: Partial<PullRequest> = {}): ReturnType<typeof pullImage> {
  return pullImage(stores, {
    reference: server.reference(tag),
    platform: hostPlatform(),
    unpacks: true,
    ...more,
  })
}

/** Each descriptor's statuses without repetition, by role and the layer's place. */
function statuses(events: readonly ProgressEvent[], layerDigests: readonly string[]): object {
  const told: Record<string, string[]> = {}
  for (const event of events) {
    if (event.kind !== 'descriptor') continue
    const name = event.role === 'layer' ? `layer ${layerDigests.indexOf(event.digest)}` : event.role
    const list = told[name] ?? []
    told[name] = list.at(-1) === event.status ? list : [...list, event.status]
  }
  return told
}

function assertNothingIsNamedOrHeld(): void {
  assert.deepEqual(listImages(stores.database), [])
  assert.deepEqual(stores.snapshots.walk(), [])
  assert.deepEqual(stores.database.prepare('SELECT * FROM lease').all(), [])
  assert.deepEqual(readdirSync(join(stores.dataRoot, 'snapshots')), [])
}

describe('pullImage', () => {
  test('names the image after its layers are committed snapshots, and lets its lease go', async () => {
    const added = server.add('1', { layersBaseFirst: layers })
    const { name, image, wasUpToDate } = await pull('1')
    assert.equal(name, `${server.server.host}/app:1`)
    assert.equal(wasUpToDate, false)
    assert.equal(image.manifest.config.digest, added.config.digest)
    const [record] = listImages(stores.database)
    assert.equal(record?.target.digest, added.manifest.digest)
    const kinds = stores.snapshots.walk().map(({ number, kind }) => [number, kind])
    assert.deepEqual(kinds, [
      [1, 'committed'],
      [2, 'committed'],
      [3, 'committed'],
    ])
    assert.equal(stores.snapshots.walk().at(-1)?.key, image.chainID)
    assert.deepEqual(stores.database.prepare('SELECT * FROM lease').all(), [])
  })

  test('tells what becomes of each descriptor, and each end once', async () => {
    const { layersBaseFirst } = server.add('1', { layersBaseFirst: layers.slice(0, 2) })
    const digests = layersBaseFirst.map(({ digest }) => String(digest))
    const events: ProgressEvent[] = []
    await pull('1', { onProgress: (event) => events.push(event) })
    const layer = ['waiting', 'downloading', 'verifying', 'downloaded', 'unpacking', 'done']
    assert.deepEqual(statuses(events, digests), {
      manifest: ['done'],
      config: ['waiting', 'downloading', 'verifying', 'done'],
      'layer 0': layer,
      'layer 1': layer,
    })
    events.length = 0
    const again = await pull('1', { onProgress: (event) => events.push(event) })
    assert.equal(again.wasUpToDate, true)
    assert.deepEqual(statuses(events, digests), {
      manifest: ['done'],
      config: ['waiting', 'exists'],
      'layer 0': ['waiting', 'exists'],
      'layer 1': ['waiting', 'exists'],
    })
  })

  test('a layer whose snapshot is here and whose blob is not ends as done', async () => {
    const { layersBaseFirst } = server.add('1', { layersBaseFirst: layers.slice(0, 1) })
    const [layer] = layersBaseFirst
    await pull('1')
    if (layer !== undefined) stores.content.remove(layer.digest)
    const events: ProgressEvent[] = []
    await pull('1', { onProgress: (event) => events.push(event) })
    const told = statuses(events, [String(layer?.digest)]) as Record<string, string[]>
    assert.equal(told['layer 0']?.at(-1), 'done')
    assert.equal(told['layer 0']?.includes('unpacking'), false)
  })

  test('without unpacking leaves blobs alone, which a second pull unpacks without asking again', async () => {
    const { layersBaseFirst } = server.add('1', { layersBaseFirst: layers })
    await pull('1', { unpacks: false })
    assert.deepEqual(stores.snapshots.walk(), [])
    await pull('1')
    assert.equal(stores.snapshots.walk().length, 3)
    for (const { digest } of layersBaseFirst) assert.equal(server.gets(digest), 1)
  })

  test('of an index takes the platform asked for', async () => {
    const amd64 = server.add('a', { layersBaseFirst: layers.slice(0, 1) })
    const arm64 = server.add('b', { layersBaseFirst: layers.slice(1, 2), architecture: 'arm64' })
    server.addIndex('both', [
      [amd64, 'amd64'],
      [arm64, 'arm64'],
    ])
    const platform = { os: 'linux', architecture: 'arm64' }
    const { image } = await pull('both', { platform })
    assert.equal(image.manifest.config.digest, arm64.config.digest)
    assert.equal(server.gets(amd64.manifest.digest), 0)
    await assert.rejects(pull('both', { platform: { os: 'linux', architecture: 's390x' } }), {
      code: 'NOT_FOUND',
      hint: '--platform linux/amd64 or linux/arm64',
    })
  })

  test('a failure is told with the name of the image in front, and the old image stays', async () => {
    const old = server.add('1', { layersBaseFirst: layers })
    await pull('1')
    const { layersBaseFirst } = server.add('1', { layersBaseFirst: [tarOf(file('new', 'new'))] })
    const [layer] = layersBaseFirst
    server.overrides.set(String(layer?.digest), (_request, response) => {
      response.end(Buffer.alloc(layer?.sizeBytes ?? 0, 'x'))
    })
    const error = await rejection(pull('1'))
    assert.equal(error.code, 'DIGEST_MISMATCH')
    assert.equal(error.message, `${server.server.host}/app:1`)
    assert.match(
      String((error.cause as Error).message),
      /^blob sha256:\w+: expected sha256:\w+, got/,
    )
    const [record] = listImages(stores.database)
    assert.equal(record?.target.digest, old.manifest.digest)
  })

  // Downloads went on after the pull had failed, wrote to a closed database and kept the process.
  test('a layer that is not what the config says ends the downloads of the others', async () => {
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = layers
    const diffIDs = [`sha256:${'0'.repeat(64)}`, `sha256:${'1'.repeat(64)}`]
    const { layersBaseFirst } = server.add('1', { layersBaseFirst: [first, second], diffIDs })
    const endless = new Promise<void>((ended) => {
      server.overrides.set(String(layersBaseFirst[1]?.digest), (_request, response) => {
        response.writeHead(200, { 'content-length': second.length })
        response.write(second.subarray(0, 10))
        response.once('close', ended)
      })
    })
    const error = await rejection(pull('1'))
    await endless
    assert.equal(error.code, 'DIGEST_MISMATCH')
    assert.match(
      String((error.cause as Error).message),
      /^layer 1 of 2: expected diffID sha256:000/,
    )
    assertNothingIsNamedOrHeld()
  })

  // The others' failures are aborts that the first one caused; one of those used to be told.
  test('of several failures the first is told', async () => {
    const { layersBaseFirst } = server.add('1', { layersBaseFirst: layers })
    const [slow, missing] = layersBaseFirst
    const slowStarted = new Promise<void>((started) => {
      server.overrides.set(String(slow?.digest), (_request, response) => {
        response.writeHead(200, { 'content-length': slow?.sizeBytes })
        response.write('x')
        started()
      })
    })
    server.overrides.set(String(missing?.digest), async (_request, response) => {
      await slowStarted
      response.writeHead(404).end()
    })
    const error = await rejection(pull('1'))
    assert.equal(error.code, 'NOT_FOUND')
    assert.match(
      String((error.cause as Error).message),
      new RegExp(`${missing?.digest}: not found$`),
    )
    assertNothingIsNamedOrHeld()
  })

  test('an abort ends it with its reason; what came so far is gone on with', async () => {
    const body = tarOf(file('big', Buffer.alloc(100_000, 'b')))
    const { layersBaseFirst } = server.add('1', { layersBaseFirst: [body] })
    const name = String(layersBaseFirst[0]?.digest)
    const interruption = new AbortController()
    const half = body.length / 2
    server.overrides.set(name, (_request, response) => {
      response.writeHead(200, { 'content-length': body.length })
      response.write(body.subarray(0, half))
    })
    const reason = new TsctrError('UNAVAILABLE', 'interrupted', { exitCode: 130 })
    const pulling = pull('1', {
      signal: interruption.signal,
      onProgress: (event) => {
        if (event.kind === 'descriptor' && event.role === 'layer' && event.offsetBytes === half) {
          interruption.abort(reason)
        }
      },
    })
    const error = await rejection(pulling)
    assert.equal(error.cause, reason)
    assert.equal(error.exitCode, 130)
    assertNothingIsNamedOrHeld()
    server.overrides.delete(name)
    await pull('1')
    const ranges = server.server.requests
      .filter(({ url }) => url.endsWith(name))
      .map(({ headers }) => headers.range)
    assert.deepEqual(ranges, [undefined, `bytes=${half}-`])
  })

  test('a layer that a killed process was unpacking is taken over, and its files are gone', async () => {
    const { layersBaseFirst } = server.add('1', { layersBaseFirst: layers.slice(0, 1) })
    const key = `extract ${layersBaseFirst[0]?.digest}`
    stores.snapshots.prepare(key, undefined)
    const [directory = ''] = stores.snapshots.directoriesTopFirst(key)
    writeFileSync(join(directory, 'half'), 'half')
    stores.database.prepare('UPDATE snapshot SET owner_start_ticks = 1').run()
    const { image } = await pull('1')
    const [unpacked = ''] = stores.snapshots.directoriesTopFirst(String(image.chainID))
    assert.deepEqual(readdirSync(unpacked), ['base'])
    assert.deepEqual(readdirSync(join(stores.dataRoot, 'snapshots')), ['2'])
  })

  test('a reference with a digest is kept under it', async () => {
    const { manifest } = server.add('1', { layersBaseFirst: layers.slice(0, 1) })
    const reference = { ...server.reference('1'), digest: manifest.digest }
    const { name } = await pull('1', { reference })
    assert.equal(name, `${server.server.host}/app@${manifest.digest}`)
    assert.match(familiarName(reference), /:1@sha256:/)
  })
})

async function rejection(promise: Promise<unknown>): Promise<TsctrError> {
  try {
    await promise
  } catch (error) {
    assert.ok(error instanceof TsctrError, String((error as Error).stack))
    return error
  }
  assert.fail('it succeeded')
}
