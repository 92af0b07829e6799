import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseChildren, parseDescriptor, parseImageDocument } from '../../src/oci/image-manifest.ts'
import { mediaTypes } from '../../src/oci/media-type.ts'

const digest = `sha256:${'a'.repeat(64)}`
const config = { mediaType: mediaTypes.ociConfig, digest, size: 2 }
const layer = { mediaType: mediaTypes.ociLayerGzip, digest, size: 9 }
const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] }
const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [manifestEntry()] }

function manifestEntry(): object {
  return { mediaType: mediaTypes.ociManifest, digest, size: 3 }
}

function parse(document: object | string, declared = ''): ReturnType<typeof parseImageDocument> {
  const text = typeof document === 'string' ? document : JSON.stringify(document)
  return parseImageDocument(Buffer.from(text), declared, 'manifest m')
}

function refused(document: object | string, code: string, message: RegExp, declared = ''): void {
  assert.throws(
    () => parse(document, declared),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, code, error.message)
      assert.match(error.message, message)
      return true
    },
  )
}

describe('parseImageDocument', () => {
  test('reads manifests and indexes of OCI and of docker', () => {
    assert.equal(parse(manifest).kind, 'manifest')
    assert.equal(parse(index).kind, 'index')
    const docker = {
      ...manifest,
      mediaType: mediaTypes.dockerManifest,
      config: { ...config, mediaType: mediaTypes.dockerConfig },
      layers: [
        { ...layer, mediaType: mediaTypes.dockerLayerGzip },
        { ...layer, mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' },
      ],
    }
    assert.equal(parse(docker).kind, 'manifest')
    assert.equal(parse({ ...index, mediaType: mediaTypes.dockerList }).kind, 'index')
  })

  test('takes the media type from the registry where the document has none', () => {
    const { mediaType: _, ...untyped } = manifest
    assert.equal(parse(untyped, mediaTypes.ociManifest).kind, 'manifest')
    refused(untyped, 'UNSUPPORTED', /media type {2}is not an image/)
  })

  // CVE-2021-41190: one reader saw an index where the other saw a manifest.
  // Fault list, b3 30.
  test('refuses what is two things at once', () => {
    const both = { ...manifest, manifests: index.manifests }
    refused(both, 'INVALID_ARGUMENT', /is both an index and a manifest/)
    refused({ ...index, config }, 'INVALID_ARGUMENT', /is both an index and a manifest/)
    refused(
      { ...index, mediaType: mediaTypes.ociManifest },
      'INVALID_ARGUMENT',
      /is both an index and a manifest/,
    )
    refused(
      { ...manifest, mediaType: mediaTypes.ociIndex },
      'INVALID_ARGUMENT',
      /is both an index and a manifest/,
    )
    refused(manifest, 'INVALID_ARGUMENT', /says it is .*, was sent as/, mediaTypes.ociIndex)
  })

  test('refuses schema 1 and artifacts by name', () => {
    refused({ schemaVersion: 1, fsLayers: [] }, 'UNSUPPORTED', /docker schema 1 images/)
    refused({}, 'UNSUPPORTED', /docker schema 1 images/, mediaTypes.dockerSchema1Signed)
    const artifactType = 'application/vnd.example+json'
    refused({ ...manifest, artifactType }, 'UNSUPPORTED', /is an artifact \(application\/vnd.ex/)
    const helm = { ...config, mediaType: 'application/vnd.cncf.helm.config.v1+json' }
    refused({ ...manifest, config: helm }, 'UNSUPPORTED', /is an artifact .*helm.* not an image/)
    const provenance = { ...layer, mediaType: 'application/vnd.in-toto+json' }
    refused({ ...manifest, layers: [provenance] }, 'UNSUPPORTED', /layers\[0\]: media type/)
  })

  test('takes one layer twice, none at all and a great many, but not any number', () => {
    const withLayers = (count: number): object => ({
      ...manifest,
      layers: Array.from({ length: count }, () => layer),
    })
    for (const count of [0, 2, 128, 500]) {
      const parsed = parse(withLayers(count))
      assert.equal(parsed.kind === 'manifest' && parsed.layersBaseFirst.length, count)
    }
    refused(withLayers(501), 'INVALID_ARGUMENT', /501 layers are more than 500/)
  })

  test('refuses what is no JSON object, each in a line', () => {
    const text = JSON.stringify(manifest)
    for (const bytes of [
      '',
      'null',
      '[]',
      '7',
      '"x"',
      `\ufeff${text}`,
      `${text}x`,
      `${text}${text}`,
      text.replace('"size":2', '"size":NaN'),
      '['.repeat(100_000),
      `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    ]) {
      assert.throws(
        () => parse(bytes, mediaTypes.ociManifest),
        (error: Error & { code?: string }) =>
          error.code === 'INVALID_ARGUMENT' && !error.message.includes('\n'),
        bytes.slice(0, 40),
      )
    }
    const notUtf8 = Buffer.from([0x7b, 0xff, 0x7d])
    assert.throws(() => parseImageDocument(notUtf8, '', 'm'), { code: 'INVALID_ARGUMENT' })
  })

  test('of a key that stands twice the last counts, as Go has it', () => {
    const twice = JSON.stringify(manifest).replace('"size":2', '"size":1,"size":2')
    const parsed = parse(twice)
    assert.equal(parsed.kind === 'manifest' && parsed.config.sizeBytes, 2)
  })

  // b3 32.
  test('keys that JavaScript gives a meaning stay data', () => {
    const text = JSON.stringify({ ...manifestEntry(), annotations: { PROTO: 'x', toString: 'y' } })
    const entry = JSON.parse(text.replace('PROTO', '__proto__')) as object
    const { annotations } = parseDescriptor(entry, 'd')
    assert.equal(annotations?.get('__proto__'), 'x')
    assert.equal(annotations?.get('toString'), 'y')
    assert.equal(annotations?.get('constructor'), undefined)
    const inherited = `{"__proto__":${JSON.stringify(manifest)}}`
    refused(inherited, 'INVALID_ARGUMENT', /config: must be an object/, mediaTypes.ociManifest)
    assert.equal(({} as { layers?: unknown }).layers, undefined)
  })
})

// Fault list, b3 33, and 28 for digests.
describe('parseDescriptor', () => {
  for (const [what, value] of Object.entries({
    'a size in text': { ...layer, size: '9' },
    'no size': { ...layer, size: undefined },
    'a size of null': { ...layer, size: null },
    'a size below 0': { ...layer, size: -1 },
    'a size with a fraction': { ...layer, size: 1.5 },
    'a size beyond all numbers': { ...layer, size: 2 ** 53 },
    'a digest in a list': { ...layer, digest: [digest] },
    'no digest': { ...layer, digest: undefined },
    'a digest with a path': { ...layer, digest: 'sha256:../../etc/passwd' },
    'a media type that is a number': { ...layer, mediaType: 1 },
    'urls in text': { ...layer, urls: 'http://example.com' },
    'urls of numbers': { ...layer, urls: [1] },
    'a platform in text': { ...layer, platform: 'linux' },
    'a variant that is a number': { ...layer, platform: { os: 'linux', variant: 8 } },
    'annotations of numbers': { ...layer, annotations: { a: 1 } },
    'data that is not base64': { ...layer, size: 1, data: '%%%%' },
    'data of another size': { ...layer, size: 3, data: 'eA==' },
    'a list': [layer],
    nothing: null,
  })) {
    test(`refuses ${what}`, () => {
      assert.throws(() => parseDescriptor(value, 'd'), { code: 'INVALID_ARGUMENT' })
    })
  }

  test('refuses another algorithm by name', () => {
    const sha512 = { ...layer, digest: `sha512:${'a'.repeat(128)}` }
    assert.throws(() => parseDescriptor(sha512, 'd'), /only sha256 is supported/)
  })

  test('reads data that stands in it', () => {
    const { data } = parseDescriptor({ ...layer, size: 1, data: 'eA==' }, 'd')
    assert.equal(data?.toString(), 'x')
  })
})

test('parseChildren finds what any document leads to', () => {
  const children = (document: object): string[] =>
    parseChildren(Buffer.from(JSON.stringify(document)), '', 'm').map(({ mediaType }) => mediaType)
  assert.deepEqual(children(index), [mediaTypes.ociManifest])
  const provenance = { ...layer, mediaType: 'application/vnd.in-toto+json' }
  const attestation = { ...manifest, artifactType: 'x/y', layers: [provenance] }
  assert.deepEqual(children(attestation), [config.mediaType, provenance.mediaType])
  assert.throws(() => children({ ...manifest, manifests: [] }), { code: 'INVALID_ARGUMENT' })
})
