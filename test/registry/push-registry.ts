import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface PushedRequest {
  readonly method: string
  /** With its query. */
  readonly url: string
  readonly headers: IncomingMessage['headers']
}

/** What happens in place of the registry's own answer. */
export type Fault =
  /** The connection ends when so much of the body has arrived, which the registry keeps. */
  | { readonly kind: 'drop'; readonly afterBytes: number }
  /** The request is done, but its answer is lost. */
  | { readonly kind: 'mute' }
  /** Nothing is read and nothing is said. */
  | { readonly kind: 'silence' }
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers?: Record<string, string>
      readonly body?: string
    }

export interface Stored {
  readonly mediaType: string
  readonly bytes: Buffer
}

/** A registry that is pushed to, in this process: it keeps all in memory and does as it is told. */
export interface PushRegistry {
  readonly host: string
  readonly requests: PushedRequest[]
  /** `repository digest`. */
  readonly blobs: Map<string, Buffer>
  /** `repository tag` and `repository digest`. */
  readonly manifests: Map<string, Stored>
  /** Unfinished ones, by id. */
  readonly uploads: Map<string, Upload>
  /** Asked for each request; undefined lets the registry answer. */
  fault: (request: PushedRequest) => Fault | undefined
  /** How the registry behaves where registries differ. */
  readonly ways: {
    minChunkBytes: number
    mounts: boolean
    /** In front of each Location's path: `http://other:1`. */
    locationOrigin: string
  }
  close(): Promise<void>
}

interface Upload {
  bytes: Buffer
  /** Named by the latest Location; an older one is refused. */
  state: number
}

export async function startPushRegistry(): Promise<PushRegistry> {
  const server = createServer((request, response) => {
    void answer(registry, request, response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const registry: PushRegistry = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    blobs: new Map(),
    manifests: new Map(),
    uploads: new Map(),
    fault: () => undefined,
    ways: { minChunkBytes: 0, mounts: true, locationOrigin: '' },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return registry
}

async function answer(
  registry: PushRegistry,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A request that is left before its end has none any more.
  const { method = '', url = '', headers, socket } = request
  const logged = { method, url, headers }
  registry.requests.push(logged)
  const fault = registry.fault(logged)
  if (fault?.kind === 'silence') return
  if (fault?.kind === 'answer') {
    request.resume()
    response.writeHead(fault.status, fault.headers).end(fault.body ?? '')
    return
  }
  const body = await readUpTo(request, fault?.kind === 'drop' ? fault.afterBytes : undefined)
  if (fault?.kind === 'drop') {
    const upload = registry.uploads.get(uploadIdOf(url))
    if (upload !== undefined) upload.bytes = Buffer.concat([upload.bytes, body])
    socket.destroy()
    return
  }
  const { status, headers: sent = {} } = act(registry, logged, body)
  if (fault?.kind === 'mute') socket.destroy()
  else if (status >= 400 && method !== 'HEAD') {
    const errors = [{ code: sent.code ?? 'UNKNOWN', message: `status ${status}` }]
    response.writeHead(status).end(JSON.stringify({ errors }))
  } else response.writeHead(status, sent).end()
}

async function readUpTo(request: IncomingMessage, limit = Number.POSITIVE_INFINITY) {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  if (limit === 0) return Buffer.alloc(0)
  for await (const chunk of request) {
    chunks.push(chunk)
    sizeBytes += (chunk as Buffer).length
    if (sizeBytes >= limit) break
  }
  const bytes = Buffer.concat(chunks)
  return limit === Number.POSITIVE_INFINITY ? bytes : bytes.subarray(0, limit)
}

interface Answer {
  readonly status: number
  readonly headers?: Record<string, string>
}

/** Source: OCI distribution-spec §push */
function act(
  registry: PushRegistry,
  { method, url, headers }: PushedRequest,
  body: Buffer,
): Answer {
  const { pathname, searchParams } = new URL(url, 'http://registry')
  if (pathname === '/v2/') return { status: 200 }
  const blob = /^\/v2\/(.+)\/blobs\/(sha256:\w+)$/.exec(pathname)
  if (blob !== null) {
    const found = registry.blobs.get(`${blob[1]} ${blob[2]}`)
    if (found === undefined) return { status: 404 }
    return { status: 200, headers: { 'content-length': String(found.length) } }
  }
  const manifest = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(pathname)
  if (manifest !== null) {
    const digest = digestOf(body)
    const stored = { mediaType: headers['content-type'] ?? '', bytes: body }
    registry.manifests.set(`${manifest[1]} ${digest}`, stored)
    registry.manifests.set(`${manifest[1]} ${manifest[2]}`, stored)
    return { status: 201, headers: { 'docker-content-digest': digest } }
  }
  const start = /^\/v2\/(.+)\/blobs\/uploads\/$/.exec(pathname)
  if (start !== null && method === 'POST') return begin(registry, String(start[1]), searchParams)
  return goOn(registry, { method, url, headers }, body)
}

function begin(registry: PushRegistry, repository: string, query: URLSearchParams): Answer {
  const [mount, from] = [query.get('mount'), query.get('from')]
  const source = registry.blobs.get(`${from} ${mount}`)
  if (mount !== null && source !== undefined && registry.ways.mounts) {
    registry.blobs.set(`${repository} ${mount}`, source)
    return { status: 201 }
  }
  const id = randomUUID()
  registry.uploads.set(id, { bytes: Buffer.alloc(0), state: 0 })
  const { minChunkBytes } = registry.ways
  const chunks = minChunkBytes === 0 ? {} : { 'oci-chunk-min-length': String(minChunkBytes) }
  return { status: 202, headers: { ...locationOf(registry, repository, id), ...chunks } }
}

function goOn(registry: PushRegistry, request: PushedRequest, body: Buffer): Answer {
  const { pathname, searchParams } = new URL(request.url, 'http://registry')
  const id = uploadIdOf(request.url)
  const upload = registry.uploads.get(id)
  const repository = /^\/v2\/(.+)\/blobs\/uploads\/[^/]+$/.exec(pathname)?.[1]
  if (upload === undefined || repository === undefined) {
    return { status: 404, headers: { code: 'BLOB_UPLOAD_UNKNOWN' } }
  }
  if (request.method === 'DELETE') {
    registry.uploads.delete(id)
    return { status: 204 }
  }
  if (request.method === 'GET') {
    const range = `0-${Math.max(0, upload.bytes.length - 1)}`
    return { status: 204, headers: { ...locationOf(registry, repository, id), range } }
  }
  if (searchParams.get('state') !== String(upload.state)) {
    return { status: 400, headers: { code: 'BLOB_UPLOAD_INVALID' } }
  }
  const place = /^(\d+)-/.exec(request.headers['content-range'] ?? '')?.[1]
  if (place !== undefined && Number(place) !== upload.bytes.length) return { status: 416 }
  upload.bytes = Buffer.concat([upload.bytes, body])
  if (request.method === 'PATCH') {
    const range = `0-${Math.max(0, upload.bytes.length - 1)}`
    return { status: 202, headers: { ...locationOf(registry, repository, id), range } }
  }
  const digest = searchParams.get('digest') ?? ''
  registry.uploads.delete(id)
  if (digestOf(upload.bytes) !== digest) return { status: 400, headers: { code: 'DIGEST_INVALID' } }
  registry.blobs.set(`${repository} ${digest}`, upload.bytes)
  return { status: 201, headers: { 'docker-content-digest': digest } }
}

function locationOf(registry: PushRegistry, repository: string, id: string) {
  const upload = registry.uploads.get(id)
  if (upload !== undefined) upload.state += 1
  const path = `/v2/${repository}/blobs/uploads/${id}?state=${upload?.state}`
  return { location: `${registry.ways.locationOrigin}${path}` }
}

function uploadIdOf(url: string): string {
  return /\/uploads\/([^/?]+)/.exec(url)?.[1] ?? ''
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
