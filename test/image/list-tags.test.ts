import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { listRemoteTags } from '../../src/image/list-tags.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { type FakeServer, startServer, testClient } from '../registry/fake-registry.ts'

const digest = `sha256:${'d'.repeat(64)}`

let server: FakeServer
let statusOf: Record<string, number>

beforeEach(async () => {
  statusOf = {}
  server = await startServer((request, response) => {
    if (request.url.includes('/tags/list')) {
      response.end(JSON.stringify({ name: 'app', tags: ['1', '2', '3'] }))
      return
    }
    const status = statusOf[request.url.split('/').at(-1) ?? ''] ?? 200
    response.writeHead(status, { 'docker-content-digest': digest }).end()
  })
})
afterEach(() => server.close())

async function digests(): Promise<(string | undefined)[]> {
  const { client } = testClient()
  try {
    const reference = parseReference(`${server.host}/app`)
    const stores = { registry: async () => client }
    const request = { reference, sort: undefined, withDigests: true } as const
    return (await listRemoteTags(stores, request)).map((each) => each.digest)
  } finally {
    client.close()
  }
}

// A tag was deleted while the digests of the others were asked for, and none was shown.
test('a tag that vanishes between the list and its digest is shown without one', async () => {
  statusOf = { 2: 404 }
  assert.deepEqual(await digests(), [digest, undefined, digest])
})

test('another failure is one of the whole list', async () => {
  statusOf = { 2: 403 }
  await assert.rejects(digests(), { code: 'UNAUTHORIZED' })
})
