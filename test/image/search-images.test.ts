import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { parseSearchFilter, searchImages } from '../../src/image/search-images.ts'
import { type FakeServer, startServer } from '../registry/fake-registry.ts'
import { imageStores } from './image-server.ts'

let server: FakeServer
let stores: ReturnType<typeof imageStores>
let answer: unknown

beforeEach(async () => {
  stores = imageStores()
  server = await startServer((_request, response) => void response.end(JSON.stringify(answer)))
})
afterEach(async () => {
  stores.close()
  await server.close()
})

function search(...filters: string[]): Promise<string[]> {
  const baseUrl = new URL(`${server.url}/api/`)
  const request = { term: 'a b', baseUrl, limit: 2, filters: filters.map(parseSearchFilter) }
  return searchImages(stores, request).then((found) => found.map(({ name }) => name))
}

describe('searchImages', () => {
  test('asks for a term, and shows those with most stars first', async () => {
    answer = {
      results: [
        { name: 'few', star_count: 1, is_official: true, description: null },
        { name: 'many', star_count: 9, is_automated: true },
        { name: 7 },
        null,
        { name: 'none', ['__proto__']: { is_official: true } },
      ],
    }
    assert.deepEqual(await search(), ['many', 'few'])
    assert.equal(server.requests[0]?.url, '/api/v1/search?q=a+b&n=2')
    assert.deepEqual(await search('stars=1', 'is-official=true'), ['few'])
    assert.deepEqual(await search('is-automated=true'), ['many'])
    assert.deepEqual(await search('is-official=false', 'stars=0'), ['many', 'none'])
  })

  test('an answer that is none, and no answer', async () => {
    answer = { results: 'x' }
    await assert.rejects(search(), { code: 'INVALID_ARGUMENT' })
    answer = {}
    assert.deepEqual(await search(), [])
    server.handler = (_request, response) => void response.writeHead(404).end()
    await assert.rejects(search(), { code: 'NOT_FOUND' })
  })

  test('filters that there are not', () => {
    for (const text of ['stars=-1', 'stars=x', 'is-official=maybe', 'name=x', 'stars', '']) {
      assert.throws(() => parseSearchFilter(text), { code: 'INVALID_ARGUMENT' }, text)
    }
  })
})
