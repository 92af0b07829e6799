import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { parseReference, type Reference } from '../../src/oci/reference.ts'
import type { RegistryClient, RegistryClientOptions } from '../../src/registry/client.ts'
import type { Credential } from '../../src/registry/credentials.ts'
import {
  describe,
  type FakeServer,
  type Handler,
  type LoggedRequest,
  passwordFor,
  rangeStart,
  sendManifest,
  startServer,
  testClient,
} from './fake-registry.ts'

let registry: FakeServer
let tokenService: FakeServer
let client: RegistryClient
let lines: string[]
let issued: number
let lifetimeSeconds: number
/** When each issued token ends. */
let validUntil: Map<string, number>
let challenge: string

beforeEach(async () => {
  issued = 0
  lifetimeSeconds = 300
  validUntil = new Map()
  tokenService = await startServer(issueToken)
  registry = await startServer((request, response) => {
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '')
    if ((validUntil.get(token) ?? 0) > performance.now()) sendManifest(response)
    else response.writeHead(401, { 'www-authenticate': challenge }).end()
  })
  challenge = `Bearer realm="${tokenService.url}/token",service="reg",scope="repository:app:pull"`
  ;({ client, lines } = testClient())
})

afterEach(async () => {
  client.close()
  await registry.close()
  await tokenService.close()
})

const issueToken: Handler = (_request, response) => {
  issued += 1
  const token = `token-${issued}`
  validUntil.set(token, performance.now() + lifetimeSeconds * 1000)
  response.end(JSON.stringify({ token, expires_in: lifetimeSeconds }))
}

function useClient(options: Partial<RegistryClientOptions>): void {
  client.close()
  ;({ client, lines } = testClient(options))
}

function useCredential(credential: Credential): void {
  useClient({ credentials: { find: async () => credential } })
}

function image(): Reference {
  return parseReference(`${registry.host}/app:1`)
}

function tokenUrl(request: LoggedRequest | undefined): URL {
  return new URL(request?.url ?? '', tokenService.url)
}

test('an anonymous token is asked for when the registry wants one, and kept', async () => {
  await client.resolve(image())
  await client.resolve(image())
  assert.equal(issued, 1)
  const [request] = tokenService.requests
  assert.equal(request?.method, 'GET')
  assert.equal(request?.headers.authorization, undefined)
  assert.equal(tokenUrl(request).searchParams.get('service'), 'reg')
  assert.equal(tokenUrl(request).searchParams.get('scope'), 'repository:app:pull')
  assert.deepEqual(
    registry.requests.map(({ headers }) => headers.authorization),
    [undefined, 'Bearer token-1', 'Bearer token-1'],
  )
})

test('requests at once share one token', async () => {
  await Promise.all([1, 2, 3, 4, 5].map(() => client.resolve(image())))
  assert.equal(issued, 1)
})

test('a password is exchanged for a token by POST', async () => {
  useClient({ credentials: passwordFor(registry.host) })
  await client.resolve(image())
  const [request] = tokenService.requests
  assert.equal(request?.method, 'POST')
  assert.deepEqual(Object.fromEntries(new URLSearchParams(request?.body)), {
    grant_type: 'password',
    client_id: 'tsctr',
    service: 'reg',
    scope: 'repository:app:pull',
    username: 'user',
    password: 'secret-word',
  })
  assert.doesNotMatch(lines.join('\n'), /secret-word|token-1/)
})

for (const status of [400, 401, 404, 405]) {
  test(`a token service that answers POST with ${status} is asked by GET`, async () => {
    useClient({ credentials: passwordFor(registry.host) })
    tokenService.handler = (request, response) => {
      if (request.method === 'POST') response.writeHead(status).end()
      else issueToken(request, response)
    }
    await client.resolve(image())
    const [, request] = tokenService.requests
    assert.equal(tokenUrl(request).searchParams.get('account'), 'user')
    const login = Buffer.from('user:secret-word').toString('base64')
    assert.equal(request?.headers.authorization, `Basic ${login}`)
  })
}

test('an identity token is exchanged as a refresh token, by POST only', async () => {
  useCredential({ kind: 'identityToken', secret: 'id-token' })
  await client.resolve(image())
  const form = new URLSearchParams(tokenService.requests[0]?.body)
  assert.equal(form.get('grant_type'), 'refresh_token')
  assert.equal(form.get('refresh_token'), 'id-token')
})

test('a registry token is sent as it is', async () => {
  validUntil.set('my-token', Number.POSITIVE_INFINITY)
  useCredential({ kind: 'registryToken', secret: 'my-token' })
  await client.resolve(image())
  assert.equal(issued, 0)
})

test('a token that is about to end is renewed before it is used, once for all requests', async () => {
  lifetimeSeconds = 2
  await client.resolve(image())
  await delay(1600)
  await Promise.all([1, 2, 3].map(() => client.resolve(image())))
  assert.equal(issued, 2)
  // Only the very first request was refused.
  assert.equal(registry.requests.length, 5)
})

test('a token that the registry no longer takes is renewed once for all requests', async () => {
  await client.resolve(image())
  validUntil.clear()
  await Promise.all([1, 2, 3, 4].map(() => client.resolve(image())))
  assert.equal(issued, 2)
})

test('a registry that takes no token at all is an error, not a loop', async () => {
  registry.handler = (_request, response) => {
    response.writeHead(401, { 'www-authenticate': challenge }).end()
  }
  await assert.rejects(client.resolve(image()), { code: 'UNAUTHORIZED' })
  assert.ok(registry.requests.length <= 4)
})

test('insufficient scope ends it', async () => {
  registry.handler = (request, response) => {
    const error = request.headers.authorization === undefined ? '' : ',error="insufficient_scope"'
    response.writeHead(401, { 'www-authenticate': `${challenge}${error}` }).end()
  }
  await assert.rejects(client.resolve(image()), {
    code: 'UNAUTHORIZED',
    message: `registry ${registry.host}: these credentials may not pull app`,
    hint: `tsctr login ${registry.host}`,
  })
})

test('access_token counts as well, and a lifetime may be missing', async () => {
  tokenService.handler = (_request, response) => {
    validUntil.set('other', Number.POSITIVE_INFINITY)
    response.end('{"access_token":"other","expires_in":null}')
  }
  await client.resolve(image())
})

for (const [what, answer] of [
  ['no token', '{}'],
  ['an empty token', '{"token":""}'],
  ['a token with a line break', JSON.stringify({ token: 'a\r\nX-Evil: 1' })],
  ['something else than JSON', '<html>'],
  ['a list', '[]'],
] as const) {
  test(`a token service that answers ${what} is an error`, async () => {
    tokenService.handler = (_request, response) => void response.end(answer)
    await assert.rejects(client.resolve(image()), {
      code: 'UNAVAILABLE',
      message: `token service ${tokenService.host}: answer has no usable token`,
    })
  })
}

test('a token of megabytes is not read to its end', async () => {
  tokenService.handler = (_request, response) => {
    response.end(JSON.stringify({ token: 'x'.repeat(10_000_000) }))
  }
  await assert.rejects(client.resolve(image()), /longer than 262144 bytes/)
})

test('a token service that is overloaded is asked again', async () => {
  let count = 0
  tokenService.handler = (request, response) => {
    count += 1
    if (count < 3) response.writeHead(503).end()
    else issueToken(request, response)
  }
  await client.resolve(image())
})

test('a refusal by the token service says what to type', async () => {
  useClient({ credentials: passwordFor(registry.host) })
  tokenService.handler = (_request, response) => {
    response.writeHead(401).end('{"errors":[{"code":"UNAUTHORIZED","message":"wrong password"}]}')
  }
  await assert.rejects(client.resolve(image()), {
    code: 'UNAUTHORIZED',
    message: new RegExp(`^token service ${tokenService.host}: .*wrong password$`),
    hint: `tsctr login ${registry.host}`,
  })
})

for (const [realm, why] of [
  ['http://other.example/token', /in the clear/],
  ['https://other.example/token', /of another domain/],
  ['https://127.0.0.2/token', /of another domain/],
  ['file:///etc/passwd', /not on the web/],
  ['http://169.254.169.254/latest', /no place for one/],
  ['https://me:pw@127.0.0.1/', /credentials in its URL/],
  ['', /names no token service/],
] as const) {
  test(`a password is not sent to ${realm || 'nowhere'}`, async () => {
    useClient({ credentials: passwordFor(registry.host) })
    challenge = `Bearer realm="${realm}",service="reg"`
    await assert.rejects(client.resolve(image()), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'UNAUTHORIZED')
      assert.match(error.message, why)
      assert.doesNotMatch(error.message, /pw|secret-word/)
      return true
    })
  })
}

test('Basic sends user and password to the registry that asked', async () => {
  useClient({ credentials: passwordFor(registry.host) })
  const login = `Basic ${Buffer.from('user:secret-word').toString('base64')}`
  registry.handler = (request, response) => {
    if (request.headers.authorization === login) sendManifest(response)
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="Registry"' }).end()
  }
  await client.resolve(image())
  await client.resolve(image())
  assert.equal(registry.requests.length, 3)
  assert.ok(!lines.join('\n').includes(login))
})

test('Basic without a login, or with a wrong one, says what to type', async () => {
  registry.handler = (_request, response) => {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="Registry"' }).end()
  }
  const hint = `tsctr login ${registry.host}`
  await assert.rejects(client.resolve(image()), {
    code: 'UNAUTHORIZED',
    message: `registry ${registry.host}: needs a login`,
    hint,
  })
  useClient({ credentials: passwordFor(registry.host) })
  await assert.rejects(client.resolve(image()), {
    code: 'UNAUTHORIZED',
    message: `registry ${registry.host}: does not accept the saved login`,
    hint,
  })
})

test('a login for another registry is not sent', async () => {
  useClient({ credentials: passwordFor('other.example') })
  await client.resolve(image())
  assert.equal(tokenService.requests[0]?.method, 'GET')
})

test('a pull that takes longer than its tokens goes on with new ones, asked for once each', async () => {
  lifetimeSeconds = 2
  const blobs = Array.from({ length: 4 }, (_, index) => Buffer.alloc(400_000, String(index)))
  const check = registry.handler
  registry.handler = async (request, response) => {
    const found = blobs.find((bytes) => request.url.endsWith(describe(bytes).digest))
    const token = (request.headers.authorization ?? '').replace(/^Bearer /, '')
    const isGood = (validUntil.get(token) ?? 0) > performance.now()
    if (found === undefined || !isGood) return check(request, response)
    const start = rangeStart(request) ?? 0
    // The connection breaks after a quarter, some time later: the rest needs a token again.
    await delay(700)
    const headers = { 'content-range': `bytes ${start}-399999/400000` }
    response.writeHead(start === 0 ? 200 : 206, start === 0 ? {} : headers)
    const part = found.subarray(start, start + 100_000)
    if (start + part.length === found.length) response.end(part)
    else response.write(part, () => response.req.socket.destroy())
  }
  useClient({ credentials: passwordFor(registry.host) })
  const startedAt = performance.now()
  const got = await Promise.all(
    blobs.map(async (bytes) => buffer((await client.openBlob(image(), describe(bytes), 0)).stream)),
  )
  assert.ok(got.every((bytes, index) => bytes.equals(blobs[index] as Buffer)))
  const seconds = (performance.now() - startedAt) / 1000
  assert.ok(seconds > lifetimeSeconds, 'it was over before the first token')
  assert.ok(issued >= 2 && issued <= Math.ceil(seconds / 1.5) + 1, `${issued} tokens`)
})
