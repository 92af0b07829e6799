import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { parseDigest } from '../../src/oci/digest.ts'
import { parseReference } from '../../src/oci/reference.ts'
import type { RegistryClient } from '../../src/registry/client.ts'
import { type BlobOutcome, pushBlob } from '../../src/registry/push-blob.ts'
import { pushManifest } from '../../src/registry/push-manifest.ts'
import { type FakeServer, passwordFor, startServer, testClient } from './fake-registry.ts'
import { digestOf, type Fault, type PushRegistry, startPushRegistry } from './push-registry.ts'

const content = Buffer.alloc(300_000, 'layer')
const digest = digestOf(content)

let registry: PushRegistry
let tokens: FakeServer
let client: RegistryClient
/** Scopes of the tokens that were given, in order; a token is its place in this list. */
let scopes: string[][]
/** Places of tokens that are good no more. */
let ended: Set<string>

beforeEach(async () => {
  scopes = []
  ended = new Set()
  registry = await startPushRegistry()
  tokens = await startServer((request, response) => {
    const asked = new URLSearchParams(request.body).get('scope') ?? ''
    scopes.push(asked.split(' '))
    response.end(JSON.stringify({ token: `t${scopes.length - 1}`, expires_in: 600 }))
  })
  registry.fault = ({ method, url, headers }) => {
    const need = neededScope(method, url)
    const token = /^Bearer (t\d+)$/.exec(headers.authorization ?? '')?.[1]
    const held =
      token === undefined || ended.has(token) ? [] : (scopes[Number(token.slice(1))] ?? [])
    return need.every((scope) => held.includes(scope)) ? undefined : challenge(need)
  }
  ;({ client } = testClient({ credentials: passwordFor(registry.host) }))
})
afterEach(async () => {
  client.close()
  await registry.close()
  await tokens.close()
})

/** Reading needs less than writing; a token for both is good for either. */
function neededScope(method: string, url: string): string[] {
  if (url === '/v2/') return []
  const from = new URL(url, 'http://registry').searchParams.get('from')
  const source = from === null ? [] : [`repository:${from}:pull`]
  return method === 'HEAD' ? ['repository:app:pull,push'] : ['repository:app:pull,push', ...source]
}

function challenge(scope: readonly string[], error = ''): Fault {
  // As registries do, a challenge to HEAD asks for reading only.
  const first = scope
    .join(' ')
    .replace('pull,push', registry.requests.length < 3 ? 'pull' : 'pull,push')
  const value = `Bearer realm="${tokens.url}/token",service="r",scope="${first}"${error}`
  return { kind: 'answer', status: 401, headers: { 'www-authenticate': value } }
}

async function push(mountSources: readonly string[] = []): Promise<BlobOutcome> {
  const channel = await client.openPush(parseReference(`${registry.host}/app:1`))
  const blob = {
    digest: parseDigest(digest),
    sizeBytes: content.length,
    mountSources,
    open: async function* (start: number, end: number) {
      yield content.subarray(start, end)
    },
  }
  return pushBlob(channel, blob, () => {})
}

test('one token, for reading and writing, serves a push though the first challenge asks for less', async () => {
  assert.deepEqual(await push(), { kind: 'pushed' })
  assert.deepEqual(scopes, [['repository:app:pull,push']])
})

test('a mount has a token that is good for both repositories', async () => {
  registry.blobs.set(`other ${digest}`, content)
  assert.deepEqual(await push(['other']), { kind: 'mounted', from: 'other' })
  assert.deepEqual(scopes.at(-1), ['repository:app:pull,push', 'repository:other:pull'])
})

test('who may not read the source uploads', async () => {
  registry.blobs.set(`other ${digest}`, content)
  const { fault } = registry
  registry.fault = (request) =>
    request.url.includes('from=') && request.headers.authorization !== undefined
      ? challenge(['repository:other:pull'], ',error="insufficient_scope"')
      : fault(request)
  assert.deepEqual(await push(['other']), { kind: 'pushed' })
})

test('a token that ends between two requests, or within an upload, is replaced', async () => {
  const { fault } = registry
  let isDropped = false
  registry.fault = (request) => {
    // The registry stops listening to the body and to the token at once.
    if (request.method === 'PUT' && !isDropped) {
      isDropped = true
      ended.add('t0')
      return { kind: 'drop', afterBytes: 100_000 }
    }
    return fault(request)
  }
  assert.deepEqual(await push(), { kind: 'pushed' })
  assert.ok(registry.blobs.get(`app ${digest}`)?.equals(content))
  ended.add('t1')
  const bytes = Buffer.from('{}')
  const channel = await client.openPush(parseReference(`${registry.host}/app:1`))
  const descriptor = { mediaType: 'application/x-test', digest: parseDigest(digestOf(bytes)) }
  await pushManifest(channel, descriptor, bytes, '1')
  assert.deepEqual(registry.manifests.get('app 1'), { mediaType: 'application/x-test', bytes })
  assert.equal(scopes.length, 3)
})

test('a manifest that the registry stores as something else is a failure', async () => {
  registry.fault = ({ method }) =>
    method === 'PUT'
      ? {
          kind: 'answer',
          status: 201,
          headers: { 'docker-content-digest': `sha256:${'0'.repeat(64)}` },
        }
      : undefined
  const bytes = Buffer.from('{}')
  const channel = await client.openPush(parseReference(`${registry.host}/app:1`))
  const descriptor = { mediaType: 'application/x-test', digest: parseDigest(digestOf(bytes)) }
  await assert.rejects(pushManifest(channel, descriptor, bytes, '1'), {
    code: 'DIGEST_MISMATCH',
    message:
      /^127\.0\.0\.1:\d+\/app: manifest 1: expected sha256:\w+, registry .* stored sha256:0+$/,
  })
})

test('a manifest that the registry refuses: its words, and what was pushed', async () => {
  registry.fault = ({ method }) =>
    method === 'PUT'
      ? {
          kind: 'answer',
          status: 400,
          body: '{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown"}]}',
        }
      : undefined
  const channel = await client.openPush(parseReference(`${registry.host}/app:1`))
  const bytes = Buffer.from('{}')
  const descriptor = { mediaType: 'application/x-test', digest: parseDigest(digestOf(bytes)) }
  await assert.rejects(pushManifest(channel, descriptor, bytes, '1'), {
    code: 'UNAVAILABLE',
    message: /\/app: manifest 1: registry .*: answered 400: MANIFEST_BLOB_UNKNOWN: blob unknown$/,
  })
})
