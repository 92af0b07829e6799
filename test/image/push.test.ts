import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { hostPlatform } from '../../src/host/platform.ts'
import type { ProgressEvent } from '../../src/image/progress.ts'
import { type PushRequest, pushImage } from '../../src/image/push.ts'
import type { PushedPlatforms } from '../../src/image/push-plan.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { mediaTypes } from '../../src/oci/media-type.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { putImage } from '../../src/store/images.ts'
import { ensureNamespace } from '../../src/store/namespaces.ts'
import { type PushRegistry, startPushRegistry } from '../registry/push-registry.ts'
import { imageStores } from './image-server.ts'

let registry: PushRegistry
let stores: ReturnType<typeof imageStores>

beforeEach(async () => {
  registry = await startPushRegistry()
  stores = imageStores()
})
afterEach(async () => {
  stores.close()
  await registry.close()
})

const present: PushedPlatforms = { kind: 'present', preferred: hostPlatform() }
const foreignLayer = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'

function put(value: Buffer | object, mediaType: string): Descriptor {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value, null, 1))
  return stores.content.writeDocument(bytes, { mediaType })
}

function json({ mediaType, digest, sizeBytes }: Descriptor): object {
  return { mediaType, digest, size: sizeBytes }
}

function manifest(
  architecture: string,
  layers: readonly (readonly [string, string])[] = [[architecture, mediaTypes.ociLayer]],
): Descriptor {
  const blobs = layers.map(([text, mediaType]) => put(Buffer.from(text), mediaType))
  const diffIDs = blobs.map(({ digest }) => digest)
  const config = put(
    { os: 'linux', architecture, rootfs: { type: 'layers', diff_ids: diffIDs } },
    mediaTypes.ociConfig,
  )
  const mediaType = mediaTypes.ociManifest
  return put(
    { schemaVersion: 2, mediaType, config: json(config), layers: blobs.map(json) },
    mediaType,
  )
}

type Entry = readonly [Descriptor, string, object?]

function index(...entries: readonly Entry[]): Descriptor {
  const manifests = entries.map(([descriptor, architecture, more]) => ({
    ...json(descriptor),
    platform: { os: architecture === 'unknown' ? 'unknown' : 'linux', architecture },
    ...more,
  }))
  const mediaType = mediaTypes.ociIndex
  return put({ schemaVersion: 2, mediaType, manifests, annotations: { kept: 'yes' } }, mediaType)
}

function push(target: Descriptor, more: Partial<PushRequest> = {}): ReturnType<typeof pushImage> {
  const { mediaType, digest, sizeBytes } = target
  ensureNamespace(stores.database, 'default')
  const name = `${registry.host}/app:1`
  putImage(stores.database, {
    namespace: 'default',
    name,
    target: { mediaType, digest, sizeBytes },
  })
  return pushImage(stores, {
    reference: parseReference(name),
    choice: present,
    pushesForeignLayers: false,
    ...more,
  })
}

const these = (...architectures: readonly string[]): PushedPlatforms => ({
  kind: 'these',
  platforms: architectures.map((architecture) => ({ os: 'linux', architecture })),
})

describe('pushImage', () => {
  test('stores bytes and media types as they are here, and lets its lease go', async () => {
    const target = index([manifest('amd64'), 'amd64'], [manifest('arm64'), 'arm64'])
    const { part } = await push(target)
    assert.equal(part, undefined)
    const stored = registry.manifests.get('app 1')
    assert.equal(stored?.mediaType, mediaTypes.ociIndex)
    assert.ok(stored.bytes.equals(stores.content.readDocument(target.digest, 1e6)))
    assert.deepEqual(stores.database.prepare('SELECT * FROM lease').all(), [])
  })

  test('blobs come before manifests, manifests before their index, the tag last', async () => {
    const arm = manifest('arm64')
    await push(index([manifest('amd64'), 'amd64'], [arm, 'arm64']))
    const puts = registry.requests
      .filter(({ method }) => method === 'PUT')
      .map(({ url }) => (url.includes('/manifests/') ? url.split('/').at(-1) : 'blob'))
    assert.deepEqual(puts.slice(0, -3), ['blob', 'blob', 'blob', 'blob'])
    assert.deepEqual(puts.slice(-2), [arm.digest, '1'])
  })

  test('of an index that is not all here the platform that is goes alone', async () => {
    const [own, gone] = [manifest('amd64'), manifest('arm64')]
    const target = index([own, 'amd64'], [gone, 'arm64'])
    stores.content.remove(gone.digest)
    const { part, target: pushed } = await push(target)
    assert.deepEqual([part, pushed.digest], [['linux/amd64'], own.digest])
    await assert.rejects(push(target, { choice: { kind: 'all' } }), (error: Error) => {
      const cause = error.cause as Error
      assert.match(cause.message, /not all of it is here: linux\/arm64 \(manifest sha256:\w{12}\)$/)
      return true
    })
  })

  test('several platforms of more get an index with just their entries and attestations', async () => {
    const entries = (['amd64', 'arm64', 's390x'] as const).map(
      (each) => [manifest(each), each] as const,
    )
    const attestation = put({ schemaVersion: 2, layers: [] }, mediaTypes.ociManifest)
    const note = {
      annotations: {
        'vnd.docker.reference.type': 'attestation-manifest',
        'vnd.docker.reference.digest': entries[0]?.[0].digest,
      },
    }
    const target = index(...entries, [attestation, 'unknown', note])
    const { part } = await push(target, { choice: these('arm64', 'amd64') })
    assert.deepEqual(part, ['linux/amd64', 'linux/arm64'])
    const document = JSON.parse(String(registry.manifests.get('app 1')?.bytes))
    assert.deepEqual(
      document.manifests.map(({ digest }: { digest: string }) => digest),
      [entries[0]?.[0].digest, entries[1]?.[0].digest, attestation.digest],
    )
    assert.deepEqual(document.annotations, { kept: 'yes' })
  })

  test('a platform that the image lacks is not found', async () => {
    const target = index([manifest('amd64'), 'amd64'])
    await assert.rejects(push(target, { choice: these('s390x') }), {
      code: 'NOT_FOUND',
      hint: '--platform linux/amd64',
    })
    await assert.rejects(push(manifest('amd64'), { choice: these('s390x') }), {
      code: 'NOT_FOUND',
      hint: '--platform linux/amd64',
    })
    assert.equal(registry.manifests.size, 0)
  })

  test('foreign layers stay away unless asked for, and need not be here', async () => {
    const target = manifest('amd64', [
      ['own', mediaTypes.ociLayer],
      ['foreign', foreignLayer],
    ])
    const events: ProgressEvent[] = []
    await push(target, { onProgress: (event) => events.push(event) })
    assert.equal(registry.blobs.size, 2)
    assert.ok(events.some((event) => event.kind === 'descriptor' && event.status === 'skipped'))
    await push(target, { pushesForeignLayers: true })
    assert.equal(registry.blobs.size, 3)
  })

  test('a layer that is not here is named, and nothing is sent', async () => {
    const target = manifest('amd64')
    const layer = put(Buffer.from('amd64'), mediaTypes.ociLayer)
    stores.content.remove(layer.digest)
    await assert.rejects(push(target), (error: Error) => {
      assert.match((error.cause as Error).message, /not all of it is here: layer sha256:\w{12}$/)
      return true
    })
    assert.deepEqual(registry.requests, [])
  })

  test('the first failure ends the other uploads', async () => {
    const layers = ['a', 'b', 'c'].map((text) => [text, mediaTypes.ociLayer] as const)
    const [, failing] = layers.map(([text]) => put(Buffer.from(text), mediaTypes.ociLayer))
    registry.fault = ({ method, url }) => {
      if (method !== 'PUT') return undefined
      if (!decodeURIComponent(url).includes(String(failing?.digest))) return { kind: 'silence' }
      return { kind: 'answer', status: 403, body: '{"errors":[{"code":"DENIED","message":"no"}]}' }
    }
    await assert.rejects(push(manifest('amd64', layers)), {
      code: 'UNAUTHORIZED',
      hint: `tsctr login ${registry.host}`,
    })
    assert.deepEqual(stores.database.prepare('SELECT * FROM lease').all(), [])
  })

  test('what another image of the registry has is mounted, of the nearest repository', async () => {
    const target = manifest('amd64')
    for (const repository of ['far/away', 'app/near']) {
      const name = `${registry.host}/${repository}:1`
      const { mediaType, digest, sizeBytes } = target
      ensureNamespace(stores.database, 'default')
      putImage(stores.database, {
        namespace: 'default',
        name,
        target: { mediaType, digest, sizeBytes },
      })
    }
    const layer = put(Buffer.from('amd64'), mediaTypes.ociLayer)
    registry.blobs.set(`app/near ${layer.digest}`, Buffer.from('amd64'))
    const events: ProgressEvent[] = []
    await push(target, { onProgress: (event) => events.push(event) })
    const mounted = events.find(
      (event) => event.kind === 'descriptor' && event.status === 'mounted',
    )
    assert.equal(mounted?.kind === 'descriptor' && mounted.mountedFrom, 'app/near')
    assert.equal(registry.uploads.size, 0)
  })
})
