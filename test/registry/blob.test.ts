import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, test } from 'node:test'
import { parseReference, type Reference } from '../../src/oci/reference.ts'
import type { RegistryClient } from '../../src/registry/client.ts'
import {
  describe,
  type FakeServer,
  type LoggedRequest,
  rangeStart,
  sendBlob,
  startServer,
  testClient,
} from './fake-registry.ts'

const bytes = randomBytes(1_500_000)
const blob = describe(bytes)

let server: FakeServer
let client: RegistryClient
let waits: number[]
/** How the next requests for the blob are answered; properly when empty. */
let answers: ((request: LoggedRequest, response: ServerResponse) => void)[]

beforeEach(async () => {
  answers = []
  server = await startServer((request, response) => {
    const answer = answers.shift()
    if (answer === undefined) sendBlob(request, response, bytes)
    else answer(request, response)
  })
  ;({ client, waits } = testClient({ idleTimeoutMs: 1000 }))
})

afterEach(async () => {
  client.close()
  await server.close()
})

function reference(): Reference {
  return parseReference(`${server.host}/app:1`)
}

async function open(offsetBytes = 0): Promise<Readable> {
  const opened = await client.openBlob(reference(), blob, offsetBytes)
  assert.equal(opened.offsetBytes, offsetBytes)
  return opened.stream
}

/** Where each request for the blob began; undefined for one without a range. */
function starts(): (number | undefined)[] {
  return server.requests.map(rangeStart)
}

test('a blob arrives as it is stored, in one request', async () => {
  assert.deepEqual(await buffer(await open()), bytes)
  assert.deepEqual(
    server.requests.map(({ url }) => url),
    [`/v2/app/blobs/${blob.digest}`],
  )
})

test('a blob from an offset asks for its end only', async () => {
  assert.deepEqual(await buffer(await open(1_000_000)), bytes.subarray(1_000_000))
  assert.deepEqual(starts(), [1_000_000])
})

test('what was known is read over where the registry knows no ranges', async () => {
  answers = [(_request, response) => void response.end(bytes)]
  assert.deepEqual(await buffer(await open(1_000_000)), bytes.subarray(1_000_000))
})

test('a part that starts elsewhere is not used', async () => {
  answers = [
    (_request, response) => {
      const headers = { 'content-range': `bytes 5-9/${bytes.length}`, 'content-length': 5 }
      response.writeHead(206, headers).end(bytes.subarray(5, 10))
    },
  ]
  assert.deepEqual(await buffer(await open(1_000_000)), bytes.subarray(1_000_000))
  assert.deepEqual(starts(), [1_000_000, undefined])
})

test('a part that nobody asked for is an error', async () => {
  answers = [(_request, response) => void response.writeHead(206).end(bytes)]
  await assert.rejects(open(), { code: 'UNAVAILABLE' })
})

test('a range that the registry refuses is followed by a request for everything', async () => {
  answers = [(_request, response) => void response.writeHead(416).end()]
  assert.deepEqual(await buffer(await open(1_000_000)), bytes.subarray(1_000_000))
  assert.deepEqual(starts(), [1_000_000, undefined])
})

test('after a reset the rest is asked for', async () => {
  const sent: number[] = []
  const reset = (request: LoggedRequest, response: ServerResponse): void => {
    const start = rangeStart(request) ?? 0
    sent.push(start)
    if (start > 0) response.writeHead(206, { 'content-range': `bytes ${start}-1499999/1500000` })
    else response.writeHead(200, { 'content-length': bytes.length })
    response.write(bytes.subarray(start, start + 400_000), () => response.req.socket.destroy())
  }
  answers = [reset, reset]
  assert.deepEqual(await buffer(await open()), bytes)
  const [, second, third] = starts()
  assert.equal(server.requests.length, 3)
  assert.ok((second ?? 0) > 0 && (third ?? 0) > (second ?? 0))
})

test('a body that ends early, though properly, is followed by a request for the rest', async () => {
  answers = [(_request, response) => void response.end(bytes.subarray(0, 400_000))]
  assert.deepEqual(await buffer(await open()), bytes)
  assert.deepEqual(starts(), [undefined, 400_000])
})

test('a blob that really is too short ends, for the digest check to say so', async () => {
  const short = bytes.subarray(0, 400_000)
  server.handler = (request, response) => sendBlob(request, response, short)
  assert.deepEqual(await buffer(await open()), short)
  assert.equal(waits.length, 1)
})

test('503 and 429 are tried again, also in the middle', async () => {
  answers = [
    (_request, response) => void response.writeHead(503).end(),
    (_request, response) => {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 100_000), () => response.req.socket.destroy())
    },
    (_request, response) => void response.writeHead(429, { 'retry-after': '7' }).end(),
  ]
  assert.deepEqual(await buffer(await open()), bytes)
  assert.equal(waits.at(-1), 7000)
})

test('a connection that is lost time and again without progress ends the stream', async () => {
  server.handler = (_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length })
    response.write('x', () => response.req.socket.destroy())
  }
  await assert.rejects(
    buffer(await open()),
    (error: Error) =>
      error.message.startsWith(`registry ${server.host}: `) && server.requests.length === 5,
  )
})

test('a server that falls silent in the middle is replaced by a new connection', async () => {
  answers = [
    (_request, response) => {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 100_000))
    },
  ]
  assert.deepEqual(await buffer(await open()), bytes)
  assert.deepEqual(starts(), [undefined, 100_000])
})

test('a missing blob is not found', async () => {
  answers = [(_request, response) => void response.writeHead(404).end()]
  await assert.rejects(open(), {
    code: 'NOT_FOUND',
    message: `${server.host}/app: blob ${blob.digest}: not found`,
  })
})

test('a redirect is followed anew for each part, and a stale one asked for again', async () => {
  let signature = 0
  const seen: string[] = []
  const cdn = await startServer((request, response) => {
    seen.push(request.url)
    if (seen.length === 1) {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 100_000), () => response.req.socket.destroy())
    } else if (seen.length === 2) response.writeHead(403).end()
    else sendBlob(request, response, bytes)
  })
  try {
    server.handler = (_request, response) => {
      signature += 1
      response.writeHead(307, { location: `${cdn.url}/blob?sig=${signature}` }).end()
    }
    assert.deepEqual(await buffer(await open()), bytes)
    assert.deepEqual(seen, ['/blob?sig=1', '/blob?sig=2', '/blob?sig=3'])
    assert.equal(rangeStart(cdn.requests[2] as LoggedRequest), 100_000)
  } finally {
    await cdn.close()
  }
})

test('a stream that is destroyed closes its connection and asks no more', async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  answers = [
    (_request, response) => {
      response.req.socket.once('close', () => resolve())
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 300_000))
    },
  ]
  const stream = await open()
  for await (const _chunk of stream) break
  await closed
  assert.equal(server.requests.length, 1)
  assert.deepEqual(waits, [])
})

test('a stream that nobody reads closes its connection when it is destroyed', async () => {
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  answers = [
    (_request, response) => {
      response.req.socket.once('close', () => resolve())
      response.writeHead(200, { 'content-length': bytes.length }).flushHeaders()
    },
  ]
  const stream = await open()
  stream.destroy()
  await closed
})

test('an abort ends the stream with its reason', async () => {
  const controller = new AbortController()
  answers = [
    (_request, response) => {
      response.writeHead(200, { 'content-length': bytes.length })
      response.write(bytes.subarray(0, 100_000))
    },
  ]
  const { stream } = await client.openBlob(reference(), blob, 0, controller.signal)
  setImmediate(() => controller.abort(new Error('user went away')))
  await assert.rejects(buffer(stream), /user went away/)
  assert.equal(server.requests.length, 1)
})
