import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { parseReference } from '../../src/oci/reference.ts'
import type { RegistryClient } from '../../src/registry/client.ts'
import {
  describe as descriptorOf,
  type FakeServer,
  passwordFor,
  sendBlob,
  startServer,
  testClient,
} from './fake-registry.ts'

const bytes = Buffer.from('a layer that lies elsewhere')
const blob = descriptorOf(bytes, 'application/vnd.oci.image.layer.nondistributable.v1.tar')

let registry: FakeServer
let elsewhere: FakeServer
let client: RegistryClient

beforeEach(async () => {
  registry = await startServer((request, response) => {
    const isKnown = request.headers.authorization !== undefined
    if (!isKnown) response.setHeader('www-authenticate', 'Basic realm="x"')
    response.writeHead(isKnown ? 404 : 401).end()
  })
  elsewhere = await startServer((request, response) => sendBlob(request, response, bytes))
  ;({ client } = testClient({ credentials: passwordFor(registry.host) }))
})
afterEach(async () => {
  client.close()
  await elsewhere.close()
  await registry.close()
})

async function fetchFrom(...urls: string[]): Promise<Buffer> {
  const reference = parseReference(`${registry.host}/app:1`)
  const { stream } = await client.openBlob(reference, { ...blob, urls }, 0)
  return buffer(stream)
}

// CVE-2020-15157: containerd sent the registry's credentials to whatever host a layer named.
describe('a layer with urls', () => {
  test('comes from there when the registry lacks it, without credentials', async () => {
    assert.deepEqual(await fetchFrom(`${elsewhere.url}/layer`), bytes)
    assert.equal(elsewhere.requests.length, 1)
    assert.equal(elsewhere.requests[0]?.headers.authorization, undefined)
    assert.match(String(registry.requests.at(-1)?.headers.authorization), /^Basic /)
  })

  // Fault list, b3 33.
  test('gets nothing on being asked for a login', async () => {
    elsewhere.handler = (_request, response) => {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    }
    await assert.rejects(fetchFrom(`${elsewhere.url}/layer`), { code: 'UNAUTHORIZED' })
    assert.deepEqual(
      elsewhere.requests.map(({ headers }) => headers.authorization),
      [undefined],
    )
  })

  // b3 33.
  test('comes from the next address when one has it not', async () => {
    const urls = [`${elsewhere.url}/no`, 'file:///etc/passwd', `${elsewhere.url}/layer`]
    elsewhere.handler = (request, response) => {
      if (request.url === '/layer') sendBlob(request, response, bytes)
      else response.writeHead(404).end()
    }
    assert.deepEqual(await fetchFrom(...urls), bytes)
  })

  for (const url of [
    'file:///etc/passwd',
    'ftp://127.0.0.1/x',
    'http://user:word@127.0.0.1/x',
    'http://169.254.169.254/latest/meta-data',
    'no address',
    '\u001b[31m',
  ]) {
    test(`is not fetched from ${JSON.stringify(url)}`, async () => {
      await assert.rejects(fetchFrom(url), /not fetched from there$/)
    })
  }
})
