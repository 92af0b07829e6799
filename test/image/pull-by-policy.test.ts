import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { type PolicedPull, pullByPolicy } from '../../src/image/pull-by-policy.ts'
import type { PullPolicy } from '../../src/image/pull-policy.ts'
import { isUnpacked } from '../../src/image/unpack-local.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'
import { type ImageServer, imageStores, startImageServer } from './image-server.ts'

const platform = { os: 'linux', architecture: 'amd64' }

let server: ImageServer
let stores: ReturnType<typeof imageStores>

beforeEach(async () => {
  server = await startImageServer()
  stores = imageStores()
  server.add('1', { layersBaseFirst: [tarOf(file('a', 'a'))] })
})
afterEach(async () => {
  stores.close()
  await server.close()
})

function pull(policy: PullPolicy, unpacks = true): Promise<PolicedPull> {
  return pullByPolicy(stores, { reference: server.reference('1'), platform, unpacks, policy })
}

async function requestsDuring(action: () => Promise<unknown>): Promise<number> {
  const before = server.server.requests.length
  await action()
  return server.server.requests.length - before
}

describe('pullByPolicy', () => {
  test('never takes only what is here', async () => {
    await assert.rejects(pull('never'), { code: 'NOT_FOUND' })
    assert.equal(server.server.requests.length, 0)
    await pull('always')
    assert.equal(await requestsDuring(() => pull('never')), 0)
  })

  test('missing asks for what is not here alone, and unpacks what is', async () => {
    const { image } = await pull('missing', false)
    assert.equal(isUnpacked(stores, image), false)
    assert.equal(await requestsDuring(() => pull('missing')), 0)
    assert.equal(isUnpacked(stores, image), true)
    const arm64 = { os: 'linux', architecture: 'arm64' }
    const others = { platforms: [arm64], unpacks: false }
    const reference = server.reference('1')
    await pullByPolicy(stores, { reference, platform, unpacks: true, others, policy: 'missing' })
  })

  test('newer asks, and takes what is here when there is no answer', async () => {
    await assert.rejects(
      pullByPolicy(stores, {
        reference: server.reference('none'),
        platform,
        unpacks: true,
        policy: 'newer',
      }),
      { code: 'NOT_FOUND' },
    )
    const first = await pull('newer')
    assert.equal(first.failure, undefined)
    const moved = server.add('1', { layersBaseFirst: [] })
    assert.equal((await pull('newer')).image.manifest.config.digest, moved.config.digest)
    server.overrides.set('1', (_request, response) => void response.writeHead(403).end())
    const kept = await pull('newer')
    assert.equal(kept.image.manifest.config.digest, moved.config.digest)
    assert.equal(kept.failure?.code, 'UNAUTHORIZED')
    await assert.rejects(pull('always'), { code: 'UNAUTHORIZED' })
  })
})
