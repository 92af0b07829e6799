import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, test } from 'node:test'
import { parseReference } from '../../src/oci/reference.ts'
import type { RegistryClient } from '../../src/registry/client.ts'
import {
  describe,
  type FakeServer,
  type LoggedRequest,
  manifestBytes,
  rangeStart,
  sendBlob,
  sendManifest,
  startServer,
  testClient,
} from './fake-registry.ts'

const redis = parseReference('redis:alpine')
const blob = Buffer.from('blob')

let root: string
let first: FakeServer
let second: FakeServer
let client: RegistryClient

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsctr-hosts-'))
  first = await startServer((_request, response) => sendManifest(response))
  second = await startServer((_request, response) => sendManifest(response))
  ;({ client } = testClient({ hostsDirs: [root] }))
})

afterEach(async () => {
  client.close()
  await first.close()
  await second.close()
  rmSync(root, { recursive: true, force: true })
})

function configure(firstSettings = ''): void {
  mkdirSync(join(root, 'docker.io'), { recursive: true })
  const text = `server = "${second.url}"\n[host."${first.url}"]\n${firstSettings}\n`
  writeFileSync(join(root, 'docker.io', 'hosts.toml'), text)
}

test('the first mirror serves, and is told whose image it is', async () => {
  configure('header = { x-team = "blue" }')
  await client.resolve(redis)
  assert.equal(first.requests[0]?.url, '/v2/library/redis/manifests/alpine?ns=docker.io')
  assert.equal(first.requests[0]?.headers['x-team'], 'blue')
  assert.equal(second.requests.length, 0)
})

test('what a mirror lacks, the next server is asked for', async () => {
  configure('header = { x-team = "blue" }')
  first.handler = (_request, response) => void response.writeHead(404).end()
  await client.resolve(redis)
  assert.equal(first.requests.length, 1)
  assert.equal(second.requests.length, 1)
  assert.equal(second.requests[0]?.headers['x-team'], undefined)
})

test('a mirror that sends other bytes than asked for is passed over', async () => {
  configure()
  first.handler = (_request, response) => sendManifest(response, Buffer.from('{"other":1}'))
  const descriptor = describe(manifestBytes)
  assert.deepEqual(await client.fetchManifest(redis, descriptor), manifestBytes)
  assert.equal(second.requests.length, 1)
})

test('a mirror that is down is passed over, for blobs too', async () => {
  configure()
  await first.close()
  second.handler = (request, response) => sendBlob(request, response, blob)
  const { stream } = await client.openBlob(redis, describe(blob), 0)
  assert.deepEqual(await buffer(stream), blob)
})

test('a mirror that may not resolve is asked for digests only', async () => {
  configure('capabilities = ["pull"]')
  await client.resolve(redis)
  assert.equal(first.requests.length, 0)
  await client.fetchManifest(redis, describe(manifestBytes))
  assert.equal(first.requests.length, 1)
})

test('the registry’s own answer is the error, the mirror’s the hint', async () => {
  configure()
  first.handler = (_request, response) => void response.writeHead(403).end()
  second.handler = (_request, response) => void response.writeHead(404).end()
  await assert.rejects(client.resolve(redis), {
    code: 'NOT_FOUND',
    message: 'docker.io/library/redis:alpine: not found',
    hint: 'a mirror said: docker.io/library/redis:alpine: access denied, or no such repository',
  })
})

test('a mirror gets the login of its own host only', async () => {
  configure()
  const asked: string[] = []
  client.close()
  ;({ client } = testClient({
    hostsDirs: [root],
    credentials: {
      find: async (host) => {
        asked.push(host)
        return host === second.host ? { kind: 'password', username: 'u', secret: 'p' } : undefined
      },
    },
  }))
  const challenge = { 'www-authenticate': 'Basic realm="r"' }
  first.handler = (_request, response) => void response.writeHead(401, challenge).end()
  second.handler = (request, response) => {
    if (request.headers.authorization === undefined) response.writeHead(401, challenge).end()
    else sendManifest(response)
  }
  await client.resolve(redis)
  assert.deepEqual(asked, [first.host, second.host])
  assert.ok(first.requests.every(({ headers }) => headers.authorization === undefined))
})

test('where no server may resolve, hosts.toml is named', async () => {
  configure('capabilities = ["push"]')
  const path = join(root, 'docker.io', 'hosts.toml')
  writeFileSync(path, `server = "${second.url}"\ncapabilities = ["push"]\n`)
  await assert.rejects(client.resolve(redis), {
    code: 'FAILED_PRECONDITION',
    message: 'docker.io/library/redis:alpine: no server in hosts.toml has the capability "resolve"',
  })
})

test('a mirror that does not answer is asked once a pull, not for each thing anew', async () => {
  configure()
  first.handler = (_request, response) => void response.writeHead(503).end()
  second.handler = (request, response) =>
    request.url.includes('/blobs/') ? sendBlob(request, response, blob) : sendManifest(response)
  await client.resolve(redis)
  await client.fetchManifest(redis, describe(manifestBytes))
  await client.openBlob(redis, describe(blob), 0).then(({ stream }) => buffer(stream))
  assert.equal(first.requests.length, 2)
})

test('a mirror that lacks one thing is asked for the next', async () => {
  configure()
  first.handler = (_request, response) => void response.writeHead(404).end()
  await client.resolve(redis)
  await client.fetchManifest(redis, describe(manifestBytes))
  assert.equal(first.requests.length, 2)
})

test('what a mirror cannot finish of a blob comes from the next server', async () => {
  configure()
  const bytes = Buffer.alloc(900_000, 'layer')
  const breaksOff = (request: LoggedRequest, response: ServerResponse): void => {
    const start = rangeStart(request) ?? 0
    const range = { 'content-range': `bytes ${start}-899999/900000` }
    response.writeHead(start === 0 ? 200 : 206, start === 0 ? {} : range)
    response.write(bytes.subarray(start, start + 200_000), () => response.req.socket.destroy())
  }
  first.handler = breaksOff
  second.handler = (request, response) => sendBlob(request, response, bytes)
  const { stream } = await client.openBlob(redis, describe(bytes), 0)
  assert.ok((await buffer(stream)).equals(bytes))
  assert.equal(first.requests.length, 2)
  assert.deepEqual(second.requests.map(rangeStart), [400_000])
})

test('a blob that no server can finish ends with the last one’s failure', async () => {
  configure()
  const breaksOff = (_request: LoggedRequest, response: ServerResponse): void => {
    response.writeHead(200, { 'content-length': 900_000 })
    response.write('some', () => response.req.socket.destroy())
  }
  first.handler = breaksOff
  second.handler = breaksOff
  const { stream } = await client.openBlob(redis, describe(Buffer.alloc(900_000)), 0)
  await assert.rejects(buffer(stream), (error: Error) => {
    assert.ok(error.message.startsWith(`registry ${second.host}: `), error.message)
    return true
  })
})

test('a stream that goes on elsewhere is closed there too', async () => {
  configure()
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  first.handler = (_request, response) => {
    response.writeHead(200, { 'content-length': 900_000 })
    response.write('some', () => response.req.socket.destroy())
  }
  second.handler = (request, response) => {
    response.req.socket.once('close', () => resolve())
    const start = rangeStart(request) ?? 0
    const range = { 'content-range': `bytes ${start}-899999/900000` }
    response.writeHead(start === 0 ? 200 : 206, range)
    response.write('more')
  }
  const { stream } = await client.openBlob(redis, describe(Buffer.alloc(900_000)), 0)
  for await (const chunk of stream) if (String(chunk) === 'more') break
  await closed
})
