import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ImageStores } from '../../src/image/stores.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { mediaTypes } from '../../src/oci/media-type.ts'
import { parseReference, type Reference } from '../../src/oci/reference.ts'
import { openStores, type Stores } from '../helpers/stores.ts'
import {
  describe,
  type FakeServer,
  type Handler,
  sendBlob,
  startServer,
  testClient,
} from '../registry/fake-registry.ts'

/** A registry in this process with images of a test's making. */
export interface ImageServer {
  readonly server: FakeServer
  /** Answers in place of the registry, by digest or by tag. */
  readonly overrides: Map<string, Handler>
  /** Serve an image; the config's diff_ids are right unless given. */
  add(tag: string, image: ServedImage): AddedImage
  /** Serve an index of images that were added. */
  addIndex(tag: string, entries: readonly (readonly [AddedImage, string])[]): Descriptor
  /** Serve any document as a manifest, by its digest and a tag. */
  addDocument(tag: string, document: object, mediaType: string): Descriptor
  /** Serve any bytes as a blob. */
  addBlob(bytes: Buffer, mediaType: string): Descriptor
  reference(tag: string): Reference
  /** How often each blob or manifest was asked for with GET. */
  gets(name: string): number
  close(): Promise<void>
}

export interface ServedImage {
  readonly layersBaseFirst: readonly Buffer[]
  readonly diffIDs?: readonly string[] | undefined
  readonly architecture?: string | undefined
  readonly config?: object | undefined
  readonly created?: string | undefined
  /** As it stands in the config. */
  readonly history?: readonly object[] | undefined
}

export interface AddedImage {
  readonly manifest: Descriptor
  readonly config: Descriptor
  readonly layersBaseFirst: readonly Descriptor[]
}

export async function startImageServer(): Promise<ImageServer> {
  const documents = new Map<string, { bytes: Buffer; mediaType: string }>()
  const overrides = new Map<string, Handler>()
  const server = await startServer((request, response) => {
    const name = request.url.split('/').at(-1) ?? ''
    const override = overrides.get(name)
    if (override !== undefined) return override(request, response)
    const document = documents.get(name)
    if (document === undefined) {
      response.writeHead(request.url === '/v2/' ? 200 : 404).end()
    } else if (request.url.includes('/blobs/')) {
      sendBlob(request, response, document.bytes)
    } else {
      response.setHeader('content-type', document.mediaType)
      sendBlob(request, response, document.bytes)
    }
  })
  const serve = (bytes: Buffer, mediaType: string, tag?: string): Descriptor => {
    const descriptor = describe(bytes, mediaType)
    for (const name of [descriptor.digest, ...(tag === undefined ? [] : [tag])]) {
      documents.set(name, { bytes, mediaType })
    }
    return descriptor
  }
  const serveJson = (document: object, mediaType: string, tag?: string): Descriptor =>
    serve(Buffer.from(JSON.stringify(document)), mediaType, tag)
  return {
    server,
    overrides,
    add: (tag, image) => {
      const { layersBaseFirst, diffIDs, architecture = 'amd64', config = {}, created } = image
      const layers = layersBaseFirst.map((bytes) => serve(bytes, mediaTypes.ociLayer))
      const served = serveJson(
        {
          os: 'linux',
          architecture,
          created,
          config,
          history: image.history,
          rootfs: { type: 'layers', diff_ids: diffIDs ?? layers.map(({ digest }) => digest) },
        },
        mediaTypes.ociConfig,
      )
      const manifest = {
        schemaVersion: 2,
        mediaType: mediaTypes.ociManifest,
        config: asJson(served),
        layers: layers.map(asJson),
      }
      return {
        manifest: serveJson(manifest, mediaTypes.ociManifest, tag),
        config: served,
        layersBaseFirst: layers,
      }
    },
    addIndex: (tag, entries) => {
      const manifests = entries.map(([{ manifest }, architecture]) => ({
        ...asJson(manifest),
        platform: { os: 'linux', architecture },
      }))
      const mediaType = mediaTypes.ociIndex
      return serveJson({ schemaVersion: 2, mediaType, manifests }, mediaType, tag)
    },
    addDocument: (tag, document, mediaType) => serveJson(document, mediaType, tag),
    addBlob: (bytes, mediaType) => serve(bytes, mediaType),
    reference: (tag) => parseReference(`${server.host}/app:${tag}`),
    gets: (name) =>
      server.requests.filter(({ method, url }) => method === 'GET' && url.endsWith(`/${name}`))
        .length,
    close: () => server.close(),
  }
}

/** Stores of their own with a client that waits for nothing. */
export function imageStores(): ImageStores & Stores & { close(): void } {
  const dataRoot = mkdtempSync(join(tmpdir(), 'tsctr-image-'))
  const stores = openStores(dataRoot)
  const { client } = testClient()
  return {
    ...stores,
    namespace: 'default',
    registry: async () => client,
    close: () => {
      client.close()
      stores.database.close()
      rmSync(dataRoot, { recursive: true, force: true })
    },
  }
}

/** A descriptor as documents have it. */
export function asJson({ mediaType, digest, sizeBytes }: Descriptor): object {
  return { mediaType, digest, size: sizeBytes }
}
