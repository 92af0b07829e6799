import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { parseReference, type Reference } from '../../src/oci/reference.ts'
import type { RegistryClient } from '../../src/registry/client.ts'
import {
  describe as descriptorOf,
  type FakeServer,
  type Handler,
  manifestBytes,
  sendManifest,
  startServer,
  testClient,
} from './fake-registry.ts'

let server: FakeServer
let client: RegistryClient

beforeEach(async () => {
  server = await startServer((_request, response) => void response.writeHead(404).end())
  ;({ client } = testClient())
})
afterEach(async () => {
  client.close()
  await server.close()
})

function reference(): Reference {
  return parseReference(`${server.host}/team/app:1`)
}

/** Answer pages of tags; each names the next one by a Link with the given target. */
function pages(...list: readonly { tags: unknown; link?: string }[]): Handler {
  const left = [...list]
  return (_request, response) => {
    const { tags, link } = left.shift() ?? {}
    if (link !== undefined) response.setHeader('link', `<${link}>; rel="next"`)
    response.end(JSON.stringify({ name: 'team/app', tags }))
  }
}

describe('listTags', () => {
  test('goes on from page to page', async () => {
    server.handler = pages(
      { tags: ['1', '2'], link: '/v2/team/app/tags/list?n=2&last=2' },
      { tags: ['3'] },
    )
    assert.deepEqual(await client.listTags(reference()), ['1', '2', '3'])
    assert.deepEqual(
      server.requests.map(({ url }) => url).filter((url) => url.includes('tags')),
      ['/v2/team/app/tags/list?n=1000', '/v2/team/app/tags/list?n=2&last=2'],
    )
  })

  // Fault list, b3 47.
  test('a repository without tags has none; what is no tag is left out', async () => {
    server.handler = pages({ tags: null })
    assert.deepEqual(await client.listTags(reference()), [])
    server.handler = pages({ tags: ['ok', 'ok', '\u001b[31m', '../x', 7, ''] })
    assert.deepEqual(await client.listTags(reference()), ['ok'])
  })

  for (const [what, link] of Object.entries({
    'a circle': '/v2/team/app/tags/list?n=1000',
    'another host': 'http://example.invalid/v2/team/app/tags/list?last=2',
    'another repository': '/v2/other/tags/list?last=2',
    'no address': 'http://[',
  })) {
    test(`${what} as the next page is refused`, async () => {
      server.handler = (_request, response) => {
        response.setHeader('link', `<${link}>; rel="next"`)
        response.end(JSON.stringify({ tags: ['1'] }))
      }
      await assert.rejects(client.listTags(reference()), { code: 'UNAVAILABLE' })
    })
  }

  test('a list that does not end is given up', async () => {
    let page = 0
    server.handler = (_request, response) => {
      page += 1
      response.setHeader('link', `</v2/team/app/tags/list?last=${page}>; rel="next"`)
      const tags = Array.from({ length: 20_000 }, (_, index) => `${page}-${index}`)
      response.end(JSON.stringify({ tags }))
    }
    await assert.rejects(client.listTags(reference()), /lists more than 100000 tags/)
  })

  test('a repository that is not there, an answer that is no list', async () => {
    await assert.rejects(client.listTags(reference()), { code: 'NOT_FOUND' })
    server.handler = (_request, response) => void response.end('{"tags":{"a":1}}')
    await assert.rejects(client.listTags(reference()), /no list of tags/)
  })
})

describe('resolveDigest', () => {
  const { digest } = descriptorOf(manifestBytes)

  test('asks for the head alone', async () => {
    server.handler = (_request, response) => {
      response.setHeader('docker-content-digest', digest).end()
    }
    assert.equal(await client.resolveDigest(reference()), digest)
    assert.deepEqual(
      server.requests.map(({ method }) => method).filter((method) => method === 'HEAD'),
      ['HEAD'],
    )
  })

  test('reads the document where the head does not tell', async () => {
    server.handler = ({ method }, response) => {
      if (method === 'HEAD') response.writeHead(405).end()
      else sendManifest(response)
    }
    assert.equal(await client.resolveDigest(reference()), digest)
  })
})
