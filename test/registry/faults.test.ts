import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { parseReference, type Reference } from '../../src/oci/reference.ts'
import type { RegistryClient, RegistryClientOptions } from '../../src/registry/client.ts'
import { needsPrograms } from '../helpers/capabilities.ts'
import { makeCertificate } from '../helpers/certificate.ts'
import {
  describe as describeBlob,
  type FakeServer,
  type LoggedRequest,
  manifestBytes,
  rangeStart,
  sendBlob,
  sendManifest,
  startServer,
  testClient,
} from './fake-registry.ts'

// What a registry and the network between can do, by the rows of the fault list (b4). The plain
// cases stand with the code they are about: auth, blob, client, mirrors, retry-budget, tls.

const bytes = Buffer.alloc(600_000, 'blob')
const blob = describeBlob(bytes)

let server: FakeServer
let client: RegistryClient
let waits: number[]

beforeEach(async () => {
  server = await startServer((_request, response) => sendManifest(response))
  ;({ client, waits } = testClient({ idleTimeoutMs: 1000 }))
})

afterEach(async () => {
  client.close()
  await server.close()
})

function image(host = server.host): Reference {
  return parseReference(`${host}/app:1`)
}

function useClient(options: Partial<RegistryClientOptions>): void {
  client.close()
  ;({ client, waits } = testClient({ idleTimeoutMs: 1000, ...options }))
}

async function fetchBlob(): Promise<Buffer> {
  return buffer((await client.openBlob(image(), blob, 0)).stream)
}

/** Answer the first requests oddly, the rest as a registry should. */
function answerFirst(...odd: ((request: LoggedRequest, response: ServerResponse) => void)[]): void {
  server.handler = (request, response) => {
    const answer = odd.shift()
    if (answer === undefined) sendBlob(request, response, bytes)
    else answer(request, response)
  }
}

/** A server that speaks bytes, not HTTP. */
async function startRaw(
  answer: (socket: Socket) => void,
): Promise<{ host: string; server: Server; close: () => void }> {
  const sockets = new Set<Socket>()
  const raw = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      // TLS is tried first, and refused.
      if (data[0] === 0x16) socket.end('no')
      else answer(socket)
    })
  })
  await once(raw.listen(0, '127.0.0.1'), 'listening')
  const close = (): void => {
    for (const socket of sockets) socket.destroy()
    raw.close()
  }
  return { host: `127.0.0.1:${(raw.address() as AddressInfo).port}`, server: raw, close }
}

describe('b4 48: a challenge', () => {
  for (const length of [10_000, 100_000]) {
    test(`of ${length} bytes is an error, and nothing is sent`, async () => {
      const realm = `${server.url}/${'x'.repeat(length)}`
      server.handler = (_request, response) => {
        response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end()
      }
      await assert.rejects(client.resolve(image()), { name: 'TsctrError' })
      assert.ok(server.requests.every(({ url }) => url.startsWith('/v2/')))
    })
  }
})

describe('b4 49: a redirect', () => {
  test('from elsewhere to this machine is refused', async () => {
    const inner = await startServer((_request, response) => sendManifest(response))
    server.handler = (_request, response) => {
      response.writeHead(307, { location: `${inner.url}/secret` }).end()
    }
    try {
      const host = server.host.replace('127.0.0.1', '0.0.0.0')
      useClient({ insecureRegistries: [host] })
      await assert.rejects(client.resolve(image(host)), /redirect refused: to 127\.0\.0\.1/)
      assert.equal(inner.requests.length, 0)
    } finally {
      await inner.close()
    }
  })

  test('to another port is another origin: the login stays behind', async () => {
    const other = await startServer((request, response) => sendBlob(request, response, bytes))
    const credentials: RegistryClientOptions['credentials'] = {
      find: async () => ({ kind: 'password', username: 'u', secret: 'p' }),
    }
    useClient({ credentials })
    server.handler = (request, response) => {
      const isKnown = request.headers.authorization !== undefined
      if (isKnown) response.writeHead(307, { location: `${other.url}/x?sig=1` }).end()
      else response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end()
    }
    try {
      assert.deepEqual(await fetchBlob(), bytes)
      assert.equal(other.requests[0]?.headers.authorization, undefined)
    } finally {
      await other.close()
    }
  })
})

describe('b4 50: a blob', () => {
  test('whose chunks never end arrives all the same, by way of a range', async () => {
    answerFirst((_request, response) => {
      response.writeHead(200)
      response.write(bytes.subarray(0, 200_000), () => response.req.socket.destroy())
    })
    assert.deepEqual(await fetchBlob(), bytes)
    assert.equal(rangeStart(server.requests.at(-1) as LoggedRequest), 200_000)
  })

  test('with a Content-Length that is too short arrives by way of a range', async () => {
    answerFirst((_request, response) => {
      response.writeHead(200, { 'content-length': 1000, connection: 'close' })
      response.end(bytes.subarray(0, 1000))
    })
    assert.deepEqual(await fetchBlob(), bytes)
    assert.equal(rangeStart(server.requests.at(-1) as LoggedRequest), 1000)
  })

  test('with more behind its Content-Length does not spoil the next answer', async () => {
    const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nblobHTTP/1.1 200 OK\r\n\r\nevil'
    const raw = await startRaw((socket) => socket.write(answer))
    try {
      const small = describeBlob(Buffer.from('blob'))
      for (let count = 0; count < 3; count += 1) {
        const { stream } = await client.openBlob(image(raw.host), small, 0)
        assert.equal((await buffer(stream)).toString(), 'blob')
      }
    } finally {
      raw.close()
    }
  })

  test('that changes between two parts ends; its digest decides', async () => {
    answerFirst(
      (_request, response) => {
        response.writeHead(200, { 'content-length': bytes.length, etag: '"a"' })
        response.write(bytes.subarray(0, 100_000), () => response.req.socket.destroy())
      },
      (request, response) => {
        response.setHeader('etag', '"b"')
        sendBlob(request, response, Buffer.alloc(bytes.length, 'else'))
      },
    )
    const got = await fetchBlob()
    assert.equal(got.length, bytes.length)
    assert.notEqual(describeBlob(got).digest, blob.digest)
  })

  test('with a Content-Encoding stays as it was sent', async () => {
    const packed = gzipSync('plain text')
    server.handler = (_request, response) => {
      const headers = { 'content-encoding': 'gzip', 'content-length': packed.length }
      response.writeHead(200, headers).end(packed)
    }
    const { stream } = await client.openBlob(image(), describeBlob(packed), 0)
    assert.deepEqual(await buffer(stream), packed)
    assert.equal(server.requests.at(-1)?.headers['accept-encoding'], 'identity')
  })

  test('that a 500 stands before, and a 503 in the middle of', async () => {
    answerFirst(
      (_request, response) => void response.writeHead(500).end(),
      (_request, response) => {
        response.writeHead(200, { 'content-length': bytes.length })
        response.write(bytes.subarray(0, 100_000), () => response.req.socket.destroy())
      },
      (_request, response) => void response.writeHead(503).end(),
    )
    assert.deepEqual(await fetchBlob(), bytes)
    assert.equal(server.requests.length, 4)
  })
})

describe('b4 51: a slow server', () => {
  test('may take as long as it likes, so long as it is never silent', async () => {
    useClient({ idleTimeoutMs: 200 })
    const small = Buffer.from('drip by drip')
    server.handler = async (_request, response) => {
      response.writeHead(200, { 'content-length': small.length })
      for (const byte of small) {
        response.write(Buffer.from([byte]))
        await delay(60)
      }
      response.end()
    }
    const { stream } = await client.openBlob(image(), describeBlob(small), 0)
    assert.deepEqual(await buffer(stream), small)
  })

  test('that takes the connection and says nothing is given up', async () => {
    useClient({ idleTimeoutMs: 100 })
    const raw = await startRaw(() => {})
    try {
      await assert.rejects(client.resolve(image(raw.host)), /no data for 0\.1 s/)
    } finally {
      raw.close()
    }
  })
})

describe('b4 52: Retry-After', () => {
  for (const [value, wait] of [
    ['-5', 100],
    ['soon', 100],
    ['880.092µs', 100],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 100],
    ['7', 7000],
    ['999999999', 60_000],
    [new Date(Date.now() + 3_600_000).toUTCString(), 60_000],
    [String(Math.floor(Date.now() / 1000) + 3600), 60_000],
  ] as const) {
    test(`${value} waits ${wait} ms`, async () => {
      const answers = [value]
      server.handler = (_request, response) => {
        const after = answers.shift()
        if (after === undefined) return sendManifest(response)
        response.writeHead(429, { 'retry-after': Buffer.from(after).toString('latin1') }).end()
      }
      await client.resolve(image()).catch(() => {})
      assert.equal(waits[0], wait)
    })
  }

  test('429 for ever ends, with what to do', async () => {
    server.handler = (_request, response) => void response.writeHead(429).end()
    await assert.rejects(client.resolve(image()), {
      code: 'UNAVAILABLE',
      message: `${server.host}/app:1: registry ${server.host}: 429 Too Many Requests`,
      hint: `wait, or raise the limit with: tsctr login ${server.host}`,
    })
    assert.equal(server.requests.filter(({ url }) => url.includes('/manifests/')).length, 5)
  })
})

describe('b4 55: TLS', { skip: needsPrograms('openssl') }, () => {
  let root: string

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tsctr-tls-'))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  /** reg.example is the server, whose certificate is trusted. */
  function trust(target: FakeServer, certificatePath: string): void {
    const directory = join(root, 'hosts/reg.example')
    mkdirSync(directory, { recursive: true })
    const text = `server = "${target.url}"\nca = "${certificatePath}"\n`
    writeFileSync(join(directory, 'hosts.toml'), text)
    useClient({ hostsDirs: [join(root, 'hosts')] })
  }

  test('a certificate that has expired is refused', async () => {
    const altNames = 'IP:127.0.0.1'
    const made = makeCertificate(root, 'old', { altNames, validUntil: '20200101000000Z' })
    const expired = await startServer((_request, response) => sendManifest(response), made)
    try {
      trust(expired, made.certificatePath)
      await assert.rejects(client.resolve(image('reg.example')), {
        code: 'UNAVAILABLE',
        message: `registry ${expired.host}: certificate has expired`,
      })
    } finally {
      await expired.close()
    }
  })

  test('1.0 and 1.1 are refused', async () => {
    const made = makeCertificate(root, 'reg', { altNames: 'IP:127.0.0.1' })
    const versions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const
    const limits = { ...versions, ciphers: 'DEFAULT@SECLEVEL=0' }
    const handler = (_request: LoggedRequest, response: ServerResponse): void =>
      sendManifest(response)
    const old = await startServer(handler, { ...made, ...limits })
    try {
      trust(old, made.certificatePath)
      await assert.rejects(client.resolve(image('reg.example')), (error: Error) => {
        assert.match(error.message, /^registry 127\.0\.0\.1:\d+: TLS: .*(version|protocol)/)
        return true
      })
      assert.equal(old.requests.length, 0)
    } finally {
      await old.close()
    }
  })

  test('goes through a proxy untouched, and no credentials go to the proxy', async () => {
    const made = makeCertificate(root, 'reg', { altNames: 'DNS:reg.example' })
    const hidden = await startServer((request, response) => {
      if (request.headers.authorization !== undefined) return sendManifest(response)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end()
    }, made)
    const seen: string[] = []
    const proxy = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', (data) => {
        seen.push(data.toString())
        const port = Number(hidden.host.split(':')[1])
        const onward = connect(port, '127.0.0.1', () => {
          socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
          socket.pipe(onward).pipe(socket)
        })
        onward.on('error', () => {})
      })
    })
    await once(proxy.listen(0, '127.0.0.1'), 'listening')
    try {
      mkdirSync(join(root, 'hosts/reg.example'), { recursive: true })
      writeFileSync(join(root, 'hosts/reg.example/ca.crt'), made.cert)
      const proxyUrl = `http://puser:proxy-pw@127.0.0.1:${(proxy.address() as AddressInfo).port}`
      useClient({
        hostsDirs: [join(root, 'hosts')],
        env: { HTTPS_PROXY: proxyUrl },
        credentials: { find: async () => ({ kind: 'password', username: 'u', secret: 'pw' }) },
      })
      await client.resolve(image('reg.example'))
      assert.match(seen.join(''), /^CONNECT reg\.example:443 HTTP\/1\.1\r\n/)
      assert.doesNotMatch(
        seen.join('').replace(/^proxy-authorization:.*$/gim, ''),
        /authorization/i,
      )
      assert.ok(
        hidden.requests.every(({ headers }) => headers['proxy-authorization'] === undefined),
      )
    } finally {
      client.close()
      proxy.close()
      await hidden.close()
    }
  })
})

describe('b4 56: the network', () => {
  test('a name that nobody knows is named, with what to check', async () => {
    await assert.rejects(client.resolve(image('no-such-host.invalid')), {
      code: 'UNAVAILABLE',
      message: /^registry no-such-host\.invalid: getaddrinfo (ENOTFOUND|EAI_AGAIN)/,
      hint: 'check the name and the DNS of this machine',
    })
  })

  test('a kept connection that the server closes between two requests is made again', async () => {
    for (let count = 0; count < 3; count += 1) {
      await client.resolve(image())
      // Before the client may have seen the end of the connection, and after.
      server.closeIdleConnections()
      if (count === 1) await delay(20)
    }
    assert.ok(waits.length <= 2)
  })

  test('a server that takes eight connections serves a pull’s six', async () => {
    server.handler = (request, response) => sendBlob(request, response, bytes)
    server.limitConnections(8)
    const all = await Promise.all([1, 2, 3, 4, 5, 6].map(() => fetchBlob()))
    assert.ok(all.every((got) => got.equals(bytes)))
  })

  const hasIpv6 = Object.values(networkInterfaces())
    .flat()
    .some((address) => address?.address === '::1')

  test('an IPv6 address that swallows everything does not hide the IPv4 one', {
    skip: hasIpv6 ? false : 'needs ::1',
  }, async () => {
    const port = Number(server.host.split(':')[1])
    const hole = await startBlackHole(port)
    try {
      const startedAt = performance.now()
      await client.resolve(image(`localhost:${port}`))
      assert.ok(performance.now() - startedAt < 5000)
    } finally {
      hole.close()
    }
  })

  test('dial_timeout gives up a host that swallows everything, without another try', {
    skip: hasIpv6 ? false : 'needs ::1',
  }, async () => {
    const root = mkdtempSync(join(tmpdir(), 'tsctr-dial-'))
    const port = Number(server.host.split(':')[1])
    const hole = await startBlackHole(port)
    try {
      mkdirSync(join(root, 'docker.io'))
      const mirror = `[host."http://[::1]:${port}"]\ndial_timeout = "250ms"\n`
      writeFileSync(join(root, 'docker.io/hosts.toml'), `server = "${server.url}"\n${mirror}`)
      useClient({ hostsDirs: [root], idleTimeoutMs: 30_000 })
      const startedAt = performance.now()
      assert.deepEqual((await client.resolve(parseReference('redis'))).bytes, manifestBytes)
      assert.ok(performance.now() - startedAt < 5000)
    } finally {
      hole.close()
      rmSync(root, { recursive: true, force: true })
    }
  })
})

/** A listener on ::1 that is stopped, its queue full: connections to it are never answered. */
async function startBlackHole(port: number): Promise<{ close: () => void }> {
  const script = `require('net').createServer().listen({ host: '::1', port: ${port}, backlog: 1 },
    () => { console.log('up'); setInterval(() => process.kill(process.pid, 'SIGSTOP'), 1) })`
  const child: ChildProcess = spawn(process.execPath, ['-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout ?? child, 'data')
  await delay(50)
  const fillers = Array.from({ length: 6 }, () => connect(port, '::1').on('error', () => {}))
  await delay(50)
  return {
    close: () => {
      for (const filler of fillers) filler.destroy()
      child.kill('SIGKILL')
    },
  }
}
