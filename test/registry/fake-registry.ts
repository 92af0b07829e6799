import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import type { Digest } from '../../src/oci/digest.ts'
import type { RegistryClientOptions } from '../../src/registry/client.ts'
import { RegistryClient } from '../../src/registry/client.ts'
import type { CredentialSource } from '../../src/registry/credentials.ts'

export interface LoggedRequest {
  readonly method: string
  /** With its query. */
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type Handler = (request: LoggedRequest, response: ServerResponse) => void | Promise<void>

/** A server of a test's own making, in this process, that keeps what it was asked. */
export interface FakeServer {
  readonly host: string
  readonly url: string
  readonly requests: LoggedRequest[]
  handler: Handler
  closeIdleConnections(): void
  /** More than so many at once are closed as they come. */
  limitConnections(count: number): void
  close(): Promise<void>
}

export async function startServer(handler: Handler, tls?: TlsOptions): Promise<FakeServer> {
  const requests: LoggedRequest[] = []
  const listener = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url = '', headers } = request
    const logged = { method, url, headers, body: Buffer.concat(chunks).toString() }
    requests.push(logged)
    await fake.handler(logged, response)
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const fake: FakeServer = {
    host,
    url: `${tls === undefined ? 'http' : 'https'}://${host}`,
    requests,
    handler,
    closeIdleConnections: () => server.closeIdleConnections(),
    limitConnections: (count) => {
      server.maxConnections = count
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return fake
}

/** A client that does not wait between its tries, and tells how long it would have. */
export function testClient(options: Partial<RegistryClientOptions> = {}): {
  client: RegistryClient
  waits: number[]
  lines: string[]
} {
  const waits: number[] = []
  const lines: string[] = []
  let now = 0
  const client = new RegistryClient({
    hostsDirs: [],
    registriesFiles: [],
    credentials: noCredentials,
    userAgent: 'tsctr/test',
    env: {},
    trace: (line) => lines.push(line),
    retryPolicy: {
      maxTries: 5,
      firstWaitMs: 100,
      maxStallMs: 60_000,
      now: () => now,
      sleep: async (ms) => {
        waits.push(ms)
        now += ms
      },
    },
    ...options,
  })
  return { client, waits, lines }
}

export const noCredentials: CredentialSource = { find: async () => undefined }

export function passwordFor(
  host: string,
  username = 'user',
  secret = 'secret-word',
): CredentialSource {
  return {
    find: async (asked) => (asked === host ? { kind: 'password', username, secret } : undefined),
  }
}

export const manifestType = 'application/vnd.oci.image.manifest.v1+json'
export const manifestBytes = Buffer.from(
  JSON.stringify({ schemaVersion: 2, mediaType: manifestType, layers: [] }),
)

export function sendManifest(response: ServerResponse, bytes = manifestBytes): void {
  response.writeHead(200, { 'content-type': manifestType, 'content-length': bytes.length })
  response.end(bytes)
}

/** Answer as a registry that knows ranges. */
export function sendBlob(request: LoggedRequest, response: ServerResponse, bytes: Buffer): void {
  const start = rangeStart(request)
  if (start === undefined) {
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
    return
  }
  if (start >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
    return
  }
  const rest = bytes.subarray(start)
  response.writeHead(206, {
    'content-length': rest.length,
    'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
  })
  response.end(rest)
}

export function rangeStart(request: LoggedRequest): number | undefined {
  const start = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1]
  return start === undefined ? undefined : Number(start)
}

export function describe(bytes: Buffer, mediaType = 'application/x-test'): Descriptor {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest
  return { mediaType, digest, sizeBytes: bytes.length }
}
