import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { parseDigest } from '../../src/oci/digest.ts'
import { parseReference } from '../../src/oci/reference.ts'
import type { RegistryClient } from '../../src/registry/client.ts'
import { type BlobOutcome, pushBlob } from '../../src/registry/push-blob.ts'
import { passwordFor, startServer, testClient } from './fake-registry.ts'
import { digestOf, type Fault, type PushRegistry, startPushRegistry } from './push-registry.ts'

const mebibyte = 1024 * 1024
const content = Buffer.alloc(3 * mebibyte, 'layer')
const digest = digestOf(content)

let registry: PushRegistry
let client: RegistryClient
let waits: number[]

beforeEach(async () => {
  registry = await startPushRegistry()
  ;({ client, waits } = testClient())
})
afterEach(async () => {
  client.close()
  await registry.close()
})

interface Push {
  readonly bytes?: Buffer
  readonly mountSources?: readonly string[]
  readonly onSent?: (offset: number) => void
  readonly signal?: AbortSignal
}

async function push(options: Push = {}): Promise<BlobOutcome> {
  const { bytes = content, mountSources = [], onSent = () => {}, signal } = options
  const reference = parseReference(`${registry.host}/app:1`)
  const channel = await client.openPush(reference, signal)
  const blob = {
    digest: parseDigest(digestOf(bytes)),
    sizeBytes: bytes.length,
    mountSources,
    open: (start: number, end: number) => pieces(bytes.subarray(start, end)),
  }
  return pushBlob(channel, blob, onSent)
}

const pieceBytes = 512 * 1024

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    await nextTurn()
    yield bytes.subarray(at, at + pieceBytes)
  }
}

/** Methods of what was asked, without the probes for the scheme. */
function methods(): string {
  return registry.requests
    .filter(({ url }) => url !== '/v2/')
    .map(({ method }) => method)
    .join(' ')
}

function assertStored(bytes = content): void {
  assert.ok(registry.blobs.get(`app ${digestOf(bytes)}`)?.equals(bytes), 'the blob is there, whole')
}

/** The fault, at the n-th request of a method. */
function faultAt(method: string, ...faults: readonly (Fault | undefined)[]): void {
  let count = 0
  registry.fault = (request) => {
    if (request.method !== method || request.url === '/v2/') return undefined
    count += 1
    return faults[count - 1]
  }
}

test('a blob goes in one request after the registry has said where', async () => {
  const sent: number[] = []
  assert.deepEqual(await push({ onSent: (offset) => sent.push(offset) }), { kind: 'pushed' })
  assertStored()
  assert.equal(methods(), 'HEAD POST PUT')
  assert.equal(registry.requests.at(-1)?.headers['content-length'], String(content.length))
  assert.equal(registry.requests.at(-1)?.headers['transfer-encoding'], undefined)
  assert.equal(sent.at(-1), content.length)
  assert.deepEqual(waits, [])
})

test('a blob that is there is not sent', async () => {
  registry.blobs.set(`app ${digest}`, content)
  assert.deepEqual(await push(), { kind: 'exists' })
  assert.equal(methods(), 'HEAD')
})

test('a blob of nothing is pushed too', async () => {
  const bytes = Buffer.alloc(0)
  assert.deepEqual(await push({ bytes }), { kind: 'pushed' })
  assertStored(bytes)
})

test('an absolute Location keeps its query; on the registry’s own host it may name the other scheme', async () => {
  registry.ways.locationOrigin = `https://${registry.host}`
  await push()
  assertStored()
})

test('a registry that wants chunks gets them, none but the last shorter than it says', async () => {
  registry.ways.minChunkBytes = 70 * mebibyte
  const bytes = Buffer.alloc(100 * mebibyte, 'chunk')
  await push({ bytes })
  assertStored(bytes)
  assert.equal(methods(), 'HEAD POST PATCH PATCH PUT')
  const ranges = registry.requests.map(({ headers }) => headers['content-range'])
  assert.deepEqual(
    ranges.filter((range) => range !== undefined),
    [`0-${70 * mebibyte - 1}`, `${70 * mebibyte}-${100 * mebibyte - 1}`],
  )
})

test('a large blob goes in chunks unasked, and whole where the registry takes none', async () => {
  const bytes = Buffer.alloc(65 * mebibyte, 'large')
  await push({ bytes })
  assert.equal(methods(), 'HEAD POST PATCH PATCH PUT')
  registry.blobs.clear()
  registry.requests.length = 0
  registry.fault = ({ method }) =>
    method === 'PATCH' ? { kind: 'answer', status: 405 } : undefined
  await push({ bytes })
  assertStored(bytes)
  assert.equal(methods(), 'HEAD POST PATCH HEAD POST PUT')
})

test('a body that is too long for a proxy goes in shorter ones', async () => {
  const longest = mebibyte
  registry.fault = ({ headers }) =>
    Number(headers['content-length'] ?? 0) > longest
      ? { kind: 'answer', status: 413, body: '<html>413</html>' }
      : undefined
  await push()
  assertStored()
  assert.match(methods(), /^HEAD POST PUT HEAD POST PATCH( PATCH)* PUT$/)
})

test('after a dropped PUT the registry is asked what it has, and gets the rest', async () => {
  faultAt('PUT', { kind: 'drop', afterBytes: mebibyte })
  await push()
  assertStored()
  assert.equal(methods(), 'HEAD POST PUT HEAD GET PATCH PUT')
  const rest = registry.requests.find(({ method }) => method === 'PATCH')
  assert.equal(rest?.headers['content-range'], `${mebibyte}-${content.length - 1}`)
  assert.deepEqual(waits, [100])
})

test('after dropped PATCHes too, each time from where it is', async () => {
  registry.ways.minChunkBytes = 1
  faultAt(
    'PATCH',
    { kind: 'drop', afterBytes: mebibyte },
    { kind: 'drop', afterBytes: mebibyte / 2 },
  )
  await push()
  assertStored()
  assert.equal(methods(), 'HEAD POST PATCH HEAD GET PATCH HEAD GET PATCH PUT')
})

test('a connection that ends before anything arrives starts the upload anew', async () => {
  faultAt('PUT', { kind: 'drop', afterBytes: 0 })
  await push()
  assertStored()
})

test('an end whose answer is lost is found to have been the end', async () => {
  faultAt('PUT', { kind: 'mute' })
  await push()
  assertStored()
  assert.equal(methods(), 'HEAD POST PUT HEAD')
})

test('an upload that the registry has lost begins again', async () => {
  registry.ways.minChunkBytes = 1
  faultAt('PATCH', { kind: 'drop', afterBytes: mebibyte })
  const { fault } = registry
  registry.fault = (request) => {
    if (request.method === 'GET') registry.uploads.clear()
    return fault(request)
  }
  await push()
  assertStored()
  assert.equal(methods(), 'HEAD POST PATCH HEAD GET POST PATCH PUT')
})

test('a chunk whose answer is lost is not sent again', async () => {
  registry.ways.minChunkBytes = 1
  faultAt('PATCH', { kind: 'mute' })
  await push()
  assertStored()
  assert.equal(methods(), 'HEAD POST PATCH HEAD GET PUT')
})

test('416 at the very place that the registry names: the upload begins again', async () => {
  registry.ways.minChunkBytes = 1
  faultAt('PATCH', { kind: 'drop', afterBytes: mebibyte }, { kind: 'answer', status: 416 })
  await push()
  assertStored()
  assert.equal(methods(), 'HEAD POST PATCH HEAD GET PATCH HEAD GET POST PATCH PUT')
})

test('429 is waited for as long as the registry asks', async () => {
  faultAt('PUT', { kind: 'answer', status: 429, headers: { 'retry-after': '7' } })
  await push()
  assertStored()
  assert.deepEqual(waits, [7000])
})

test('what fails again and again is given up', async () => {
  registry.fault = ({ method }) =>
    method === 'PUT'
      ? { kind: 'answer', status: 503, body: '{"errors":[{"code":"UNAVAILABLE","message":"no"}]}' }
      : undefined
  await assert.rejects(push(), {
    code: 'UNAVAILABLE',
    message: `${registry.host}/app: blob ${digest}: registry ${registry.host}: answered 503: UNAVAILABLE: no`,
  })
  assert.equal(registry.requests.filter(({ method }) => method === 'PUT').length, 5)
})

test('bytes that the registry says are others are not sent again', async () => {
  faultAt('PUT', {
    kind: 'answer',
    status: 400,
    body: '{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}',
  })
  await assert.rejects(push(), {
    code: 'DIGEST_MISMATCH',
    message: `${registry.host}/app: blob ${digest}: registry ${registry.host} got other bytes`,
  })
  assert.equal(methods(), 'HEAD POST PUT')
})

test('put together of pieces and then refused, it is sent once more at once', async () => {
  faultAt(
    'PUT',
    { kind: 'drop', afterBytes: mebibyte },
    {
      kind: 'answer',
      status: 400,
      body: '{"errors":[{"code":"DIGEST_INVALID"}]}',
    },
  )
  await push()
  assertStored()
  assert.equal(methods(), 'HEAD POST PUT HEAD GET PATCH PUT HEAD POST PUT')
})

test('a refusal names the repository and the registry, and says what to do', async () => {
  faultAt('POST', {
    kind: 'answer',
    status: 403,
    body: '{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}',
  })
  await assert.rejects(push(), {
    code: 'UNAUTHORIZED',
    message:
      `${registry.host}/app: push access denied by ${registry.host}: ` +
      'DENIED: requested access to the resource is denied',
    hint: `tsctr login ${registry.host}`,
  })
})

test('a blob of another repository of the registry is mounted', async () => {
  registry.blobs.set(`other ${digest}`, content)
  assert.deepEqual(await push({ mountSources: ['none', 'other'] }), {
    kind: 'mounted',
    from: 'other',
  })
  assertStored()
  // What the first refusal had begun is cancelled.
  assert.equal(methods(), 'HEAD POST DELETE POST')
  assert.equal(registry.uploads.size, 0)
})

test('a mount that is refused is the beginning of an upload', async () => {
  registry.ways.mounts = false
  registry.blobs.set(`other ${digest}`, content)
  assert.deepEqual(await push({ mountSources: ['other'] }), { kind: 'pushed' })
  assertStored()
  assert.equal(methods(), 'HEAD POST PUT')
})

test('an upload follows 307 to another host, with its bytes and without the login', async () => {
  const storage = await startPushRegistry()
  try {
    ;({ client } = testClient({ credentials: passwordFor(registry.host) }))
    registry.fault = ({ method, url, headers }) => {
      if (headers.authorization === undefined && url !== '/v2/') {
        const challenge = { 'www-authenticate': 'Basic realm="registry"' }
        return { kind: 'answer', status: 401, headers: challenge }
      }
      if (method !== 'PUT') return undefined
      const location = `http://${storage.host}/signed?key=secret`
      return { kind: 'answer', status: 307, headers: { location } }
    }
    let received = 0
    storage.fault = ({ headers }) => {
      received = Number(headers['content-length'])
      return { kind: 'answer', status: 201 }
    }
    await push()
    assert.equal(received, content.length)
    assert.equal(registry.requests.at(-1)?.headers.authorization !== undefined, true)
    assert.deepEqual(
      storage.requests.map(({ method, url, headers }) => [method, url, headers.authorization]),
      [['PUT', '/signed?key=secret', undefined]],
    )
  } finally {
    await storage.close()
  }
})

test('a Location on another host gets the bytes and no login, and its 401 is its own', async () => {
  const storage = await startServer((_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="steal"' }).end()
  })
  try {
    ;({ client } = testClient({ credentials: passwordFor(registry.host) }))
    registry.ways.locationOrigin = storage.url
    registry.fault = ({ url, headers }) =>
      headers.authorization === undefined && url !== '/v2/'
        ? {
            kind: 'answer',
            status: 401,
            headers: { 'www-authenticate': 'Basic realm="registry"' },
          }
        : undefined
    await assert.rejects(push(), { code: 'UNAUTHORIZED' })
    const seen = storage.requests.map(({ headers }) => headers.authorization)
    assert.deepEqual(seen, [undefined])
  } finally {
    await storage.close()
  }
})

for (const location of ['file:///etc/passwd', 'http://169.254.169.254/x', 'http://u:p@h/x']) {
  test(`a Location of ${location} is refused`, async () => {
    faultAt('POST', { kind: 'answer', status: 202, headers: { location } })
    await assert.rejects(push(), { code: 'UNAVAILABLE', message: /redirect refused/ })
  })
}

test('an abort ends an upload that is under way', async () => {
  const abort = new AbortController()
  const reason = new Error('enough')
  const pushing = push({ signal: abort.signal, onSent: () => abort.abort(reason) })
  await assert.rejects(pushing, reason)
  assert.equal(registry.blobs.size, 0)
})
