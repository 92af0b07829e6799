import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { hasCode, TsctrError } from '../../src/errors.ts'
import { collectGarbage } from '../../src/gc/collect-garbage.ts'
import { type LoadRequest, loadImages } from '../../src/image/load.ts'
import { readImage } from '../../src/image/read-image.ts'
import { digestHex } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-type.ts'
import { canonicalName } from '../../src/oci/reference.ts'
import { sha256Digest } from '../../src/oci/sha256.ts'
import { getImage, listImages } from '../../src/store/images.ts'
import { directory, entry, file, hardLink, symlink, tarOf } from '../helpers/tar-builder.ts'
import {
  type ArchiveFiles,
  archiveOf,
  blobFile,
  buildImage,
  buildIndex,
  descriptorOf,
  dockerFiles,
  layerOf,
  layoutFiles,
  named,
} from './archive-builder.ts'
import { imageStores } from './image-server.ts'

const preferred = { os: 'linux', architecture: 'amd64' }
let stores: ReturnType<typeof imageStores>

beforeEach(() => {
  stores = imageStores()
})
afterEach(() => stores.close())

async function load(
  archive: Buffer | AsyncIterable<Buffer>,
  more: Partial<LoadRequest> = {},
): Promise<string[]> {
  const loaded = await loadImages(stores, {
    input: Buffer.isBuffer(archive) ? inPieces(archive) : archive,
    what: 'x.tar',
    platforms: 'here',
    preferred,
    collectGarbage: () => void collectGarbage(stores),
    ...more,
  })
  return loaded.flatMap(({ references, id }) =>
    references.length === 0 ? [id] : references.map(canonicalName),
  )
}

/** Pieces that end in the middle of everything. */
function inPieces(bytes: Buffer): AsyncIterable<Buffer> {
  const pieces: Buffer[] = []
  for (let offset = 0; offset < bytes.length; offset += 777) {
    pieces.push(bytes.subarray(offset, offset + 777))
  }
  return Readable.from(pieces)
}

function files(): string[] {
  return ['content/blobs/sha256', 'content/ingest', 'snapshots'].flatMap((directoryName) =>
    readdirSync(join(stores.dataRoot, directoryName)),
  )
}

function assertNothingIsLeft(): void {
  assert.deepEqual(files(), [])
  assert.deepEqual(listImages(stores.database), [])
  assert.deepEqual(stores.content.list(), [])
  assert.deepEqual(stores.snapshots.walk(), [])
  assert.deepEqual(stores.database.prepare('SELECT * FROM lease').all(), [])
}

function topFile(name: string): string {
  const target = getImage(stores.database, 'default', name)?.target
  assert.ok(target !== undefined)
  const { chainID } = readImage(stores, target, preferred)
  const [top = ''] = stores.snapshots.directoriesTopFirst(chainID ?? '')
  return readFileSync(join(top, 'etc/top'), 'utf8')
}

const image = buildImage()
const appName = 'docker.io/library/app:1'
const layout: ArchiveFiles = [...image.blobs, ...layoutFiles([named(image.manifest, appName)])]

describe('loadImages', () => {
  test('of an OCI layout keeps manifests and layers byte for byte, and unpacks', async () => {
    assert.deepEqual(await load(archiveOf(...layout)), [appName])
    assert.equal(
      getImage(stores.database, 'default', appName)?.target.digest,
      image.manifest.digest,
    )
    const blobs = image.blobs.map(([name]) => name.split('/').at(-1))
    const held = stores.content.list().map(({ digest }) => digestHex(digest))
    assert.deepEqual(held, blobs.toSorted())
    assert.equal(topFile(appName), 'top')
    assert.deepEqual(stores.database.prepare('SELECT * FROM lease').all(), [])
    assert.deepEqual(collectGarbage(stores).blobs, [])
  })

  test('takes index.json before the blobs, names with ./ and directories', async () => {
    const entries = [...layout].reverse().map(([name, bytes]) => file(`./${name}`, bytes))
    const archive = tarOf(directory('./'), directory('./blobs/'), ...entries)
    assert.deepEqual(await load(archive), [appName])
  })

  test('of a docker-archive writes the same manifest each time', async () => {
    const archive = archiveOf(...dockerFiles(image, ['app:1', 'example.com/app:2']))
    assert.deepEqual(await load(archive), [appName, 'example.com/app:2'])
    const target = getImage(stores.database, 'default', appName)?.target
    assert.equal(target?.digest, image.manifest.digest)
    assert.equal(topFile(appName), 'top')
  })

  test('follows the link of a layer that a docker-archive has once', async () => {
    const [base = Buffer.alloc(0), top = Buffer.alloc(0)] = image.layersBaseFirst
    const configName = `${digestHex(sha256Digest(image.config))}.json`
    const layers = ['1/layer.tar', '2/layer.tar']
    const archive = tarOf(
      symlink('1/layer.tar', '../3/layer.tar'),
      symlink('3/layer.tar', '../base.tar'),
      file('base.tar', base),
      file('2/layer.tar', top),
      file(configName, image.config),
      file(
        'manifest.json',
        JSON.stringify([{ Config: configName, RepoTags: ['app:1'], Layers: layers }]),
      ),
    )
    assert.deepEqual(await load(archive), [appName])
    assert.equal(topFile(appName), 'top')
  })

  test('of layers packed with gzip and zstd notes what they are', async () => {
    const [base = Buffer.alloc(0), top = Buffer.alloc(0)] = image.layersBaseFirst
    const packed = buildImage({
      layersBaseFirst: [gzipSync(base), zstdCompressSync(top)],
      diffIDs: [base, top].map(sha256Digest),
    })
    await load(archiveOf(...dockerFiles(packed, ['app:1'])))
    const target = getImage(stores.database, 'default', appName)?.target
    assert.ok(target !== undefined)
    const { manifest } = readImage(stores, target, preferred)
    assert.deepEqual(
      manifest.layersBaseFirst.map(({ mediaType }) => mediaType),
      [mediaTypes.ociLayerGzip, mediaTypes.ociLayerZstd],
    )
    assert.equal(topFile(appName), 'top')
  })

  for (const [name, pack] of [
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    test(`of an archive packed with ${name}`, async () => {
      assert.deepEqual(await load(pack(archiveOf(...layout))), [appName])
    })
  }

  test('of a combined archive reads the layout, so that digests stay', async () => {
    const other = buildImage({ layersBaseFirst: [layerOf('other')] })
    const archive = archiveOf(...dockerFiles(other, ['other:1']), ...layout)
    assert.deepEqual(await load(archive), [appName])
    assert.deepEqual(collectGarbage(stores).blobs, [])
    assert.equal(stores.content.list().length, image.blobs.length)
  })

  test('of an image without a name keeps it and tells its id', async () => {
    const id = sha256Digest(image.config)
    assert.deepEqual(await load(archiveOf(...dockerFiles(image, null))), [id])
    const bare = archiveOf(...image.blobs, ...layoutFiles([image.manifest]))
    assert.deepEqual(await load(bare), [id])
    assert.equal(listImages(stores.database).length, 1)
    assert.deepEqual(collectGarbage(stores).blobs, [])
    assert.deepEqual(await load(archiveOf(...layout)), [appName])
    assert.deepEqual(
      listImages(stores.database).map(({ name }) => name),
      [appName],
    )
  })

  test('takes a name from podman, and none from a bare tag', async () => {
    const refName = (name: string): object => ({ 'org.opencontainers.image.ref.name': name })
    const annotated = (name: string): never =>
      ({ ...image.manifest, annotations: refName(name) }) as never
    const archive = (name: string): Buffer =>
      archiveOf(...image.blobs, ...layoutFiles([annotated(name)]))
    assert.deepEqual(await load(archive('latest')), [sha256Digest(image.config)])
    assert.deepEqual(await load(archive('localhost/app:3')), ['localhost/app:3'])
  })

  test('again changes nothing; a name that is taken moves', async () => {
    await load(archiveOf(...layout))
    const before = files()
    await load(archiveOf(...layout))
    assert.deepEqual(files(), before)
    const other = buildImage({ layersBaseFirst: [layerOf('top')] })
    await load(archiveOf(...other.blobs, ...layoutFiles([named(other.manifest, appName)])))
    assert.equal(
      getImage(stores.database, 'default', appName)?.target.digest,
      other.manifest.digest,
    )
  })
})

describe('platforms of an archive', () => {
  const arm = buildImage({ layersBaseFirst: [layerOf('arm')], architecture: 'arm64' })
  const entries = [
    { ...image.manifest, platform: { os: 'linux', architecture: 'amd64' } },
    { ...arm.manifest, platform: { os: 'linux', architecture: 'arm64' } },
    { ...arm.manifest, digest: `sha256:${'0'.repeat(64)}`, platform: { os: 'unknown' } },
  ]
  const { blob, target } = buildIndex(entries as never)
  const index: ArchiveFiles = [blob, ...layoutFiles([named(target, appName)])]
  const arm64 = { os: 'linux', architecture: 'arm64' }

  test('are all loaded, and the wanted one unpacked', async () => {
    await load(archiveOf(...image.blobs, ...arm.blobs, ...index))
    assert.equal(stores.content.list().length, image.blobs.length + arm.blobs.length + 1)
    assert.equal(stores.snapshots.walk().length, 2)
  })

  test('bring the attestations that are there along', async () => {
    const statement = Buffer.from('{"predicateType":"https://slsa.dev/provenance/v1"}')
    const attestation = buildImage({ layersBaseFirst: [statement], layerMediaType: 'in-toto' })
    const annotations = { 'vnd.docker.reference.type': 'attestation-manifest' }
    const withIt = buildIndex([
      entries[0] as never,
      { ...attestation.manifest, platform: { os: 'unknown' }, annotations },
    ])
    const parts = [...image.blobs, ...attestation.blobs, withIt.blob]
    await load(archiveOf(...parts, ...layoutFiles([named(withIt.target, appName)])))
    assert.ok(stores.content.stat(sha256Digest(statement)) !== undefined)
    assert.deepEqual(collectGarbage(stores).blobs, [])
  })

  test('may lack some, as after a save of one', async () => {
    assert.deepEqual(await load(archiveOf(...image.blobs, ...index)), [appName])
    await assert.rejects(
      load(archiveOf(...image.blobs, ...index), { platforms: 'all' }),
      /^TsctrError: x\.tar: image app:1: not here for linux\/arm64$/,
    )
  })

  test('are only those that are asked for', async () => {
    await load(archiveOf(...image.blobs, ...arm.blobs, ...index), { platforms: [arm64] })
    assert.equal(stores.content.list().length, arm.blobs.length + 1)
    assert.equal(stores.snapshots.walk().length, 1)
    assert.deepEqual(readdirSync(join(stores.dataRoot, 'content/ingest')), [])
  })

  test('that are not there are named', async () => {
    const s390x = { os: 'linux', architecture: 's390x' }
    for (const archive of [
      archiveOf(...image.blobs, ...index),
      archiveOf(...dockerFiles(image, ['app:1'])),
    ]) {
      await assert.rejects(load(archive, { platforms: [s390x] }), (error) => {
        assert.ok(hasCode(error, 'NOT_FOUND'))
        assert.match(error.message, /linux\/s390x/)
        assert.equal(error.hint, '--platform linux/amd64')
        return true
      })
    }
    assertNothingIsLeft()
  })

  test('with "all" are all unpacked', async () => {
    await load(archiveOf(...image.blobs, ...arm.blobs, ...index), { platforms: 'all' })
    assert.equal(stores.snapshots.walk().length, 3)
  })
})

describe('an archive that leaves out layers', () => {
  const [base = Buffer.alloc(0)] = image.layersBaseFirst
  const [, ...withoutBase] = layout

  test('is completed from what is here', async () => {
    const older = buildImage({ layersBaseFirst: [base] })
    await load(archiveOf(...older.blobs, ...layoutFiles([named(older.manifest, 'older')])))
    assert.deepEqual(await load(archiveOf(...withoutBase)), [appName])
    assert.equal(topFile(appName), 'top')
  })

  test('is refused with every missing digest, and leaves nothing', async () => {
    const archive = archiveOf(...withoutBase.slice(1))
    await assert.rejects(load(archive), (error) => {
      assert.ok(hasCode(error, 'NOT_FOUND'))
      const digests = image.layersBaseFirst.map(sha256Digest)
      assert.equal(error.message, `x.tar: neither in it nor here: ${digests.join(', ')}`)
      return true
    })
    assertNothingIsLeft()
  })
})

// Fault list, b3 42.
describe('hostile archives', () => {
  let outside: string

  beforeEach(() => {
    outside = mkdtempSync(join(tmpdir(), 'tsctr-canary-'))
    writeFileSync(join(outside, 'canary'), 'untouched', { mode: 0o640 })
  })
  afterEach(() => rmSync(outside, { recursive: true, force: true }))

  const [base = Buffer.alloc(0), top = Buffer.alloc(0)] = image.layersBaseFirst
  const configName = `${digestHex(sha256Digest(image.config))}.json`
  const layoutEntries = layout.map(([name, bytes]) => file(name, bytes))
  const withoutIndex = layout.filter(([name]) => name !== 'index.json')
  const docker = (item: object, ...more: Buffer[]): Buffer =>
    tarOf(
      ...more,
      file(configName, image.config),
      file('1.tar', base),
      file('2.tar', top),
      file('manifest.json', JSON.stringify([{ Config: configName, Layers: [], ...item }])),
    )
  const both = { Layers: ['1.tar', '2.tar'] }
  const wrongName = `blobs/sha256/${'1'.repeat(64)}`
  const badLayer = buildImage({
    layersBaseFirst: [gzipSync(base)],
    diffIDs: [sha256Digest('another')],
    layerMediaType: mediaTypes.ociLayerGzip,
  })
  const tooFew = buildImage({ diffIDs: [sha256Digest(base)] })
  const shortened = { ...image.manifest, size: image.manifest.size - 1 }

  const rows: readonly (readonly [what: string, archive: () => Buffer, message: RegExp])[] = [
    ['a name with ..', () => tarOf(file('../canary', 'x')), /\.\.\/canary is not a name inside of/],
    ['.. in the middle', () => tarOf(file('a/../../canary', 'x')), /is not a name inside of/],
    ['an absolute name', () => tarOf(file(`${outside}/canary`, 'x')), /is not a name inside of/],
    ['a link to the outside', () => tarOf(symlink('a', outside), ...layoutEntries), /leads out of/],
    ['a link upwards', () => tarOf(symlink('a', '../canary'), ...layoutEntries), /leads out of/],
    ['a hard link', () => tarOf(...layoutEntries, hardLink('a', 'index.json')), /a is a hard link/],
    ['a hard link outside', () => tarOf(hardLink('1.tar', `${outside}/canary`)), /is a hard link/],
    ['a device', () => tarOf(entry('null', '3', { devMajor: 1, devMinor: 3 })), /null is a device/],
    ['a block device', () => tarOf(entry('sda', '4')), /sda is a device/],
    ['a fifo', () => tarOf(entry('pipe', '6')), /pipe is a fifo/],
    ['an unknown type', () => tarOf(entry('odd', 'Z')), /odd is of an unknown type/],
    [
      'a sparse file',
      () => tarOf(entry('1.tar', '0', { pax: [['GNU.sparse.major', '1']] })),
      /sparse files are not supported/,
    ],
    [
      'a file twice',
      () => tarOf(...layoutEntries, file('index.json', '{}')),
      /json is there twice/,
    ],
    ['a link and a file', () => tarOf(symlink('a', 'b'), file('a', 'x')), /a is there twice/],
    [
      'index.json as a link',
      () =>
        tarOf(
          ...withoutIndex.map(([name, bytes]) => file(name, bytes)),
          file('other.json', JSON.stringify({ manifests: [image.manifest] })),
          symlink('index.json', 'other.json'),
        ),
      /index\.json is not a file/,
    ],
    [
      'manifest.json as a directory link',
      () => tarOf(symlink('manifest.json', 'a')),
      /manifest\.json is not a file/,
    ],
    ['a blob that is not its name', () => tarOf(file(wrongName, 'x')), /is not what its name says/],
    [
      'a config that is not its name',
      () => tarOf(file(configName, '{}')),
      /is not what its name says: got sha256:/,
    ],
    ['a blob name of another form', () => tarOf(file('blobs/sha256/..%2f', 'x')), /no name for a/],
    ['blobs of sha512', () => tarOf(file('blobs/sha512/ab', 'x')), /no name for a blob/],
    [
      'a blob as a link',
      () =>
        tarOf(
          ...layout.slice(1).map(([name, bytes]) => file(name, bytes)),
          file('elsewhere', base),
          symlink(layout[0]?.[0] ?? '', '../../elsewhere'),
        ),
      /blobs\/sha256\/[0-9a-f]{64} is a link/,
    ],
    [
      'traversal in Config',
      () => docker({ ...both, Config: '../../../etc/passwd' }),
      /Config \.\.\/\.\.\/\.\.\/etc\/passwd is not a name inside of the archive/,
    ],
    [
      'traversal in Layers',
      () => docker({ Layers: ['../canary', '2.tar'] }),
      /Layers \.\.\/canary is not a name inside of/,
    ],
    ['an absolute layer', () => docker({ Layers: ['/etc/passwd'] }), /is not a name inside of the/],
    [
      'a layer that is not there',
      () => docker({ Layers: ['1.tar', 'no'] }),
      /no is not in the arch/,
    ],
    ['too few layers', () => docker({ Layers: ['1.tar'] }), /2 diff_ids for 1 layers/],
    [
      'a wrong diffID',
      () => docker({ Layers: ['2.tar', '1.tar'] }),
      /layer 1 of 2: expected diffID/,
    ],
    [
      'links in a circle',
      () =>
        docker(
          { Layers: ['a/layer.tar', '2.tar'] },
          symlink('a/layer.tar', '../b'),
          symlink('b', 'a/layer.tar'),
        ),
      /is a link that leads nowhere/,
    ],
    ['no config', () => docker({ ...both, Config: '' }), /Config "" is not a name/],
    ['tags that are none', () => docker({ ...both, RepoTags: ['UPPER'] }), /bad name/],
    [
      'a tag with a digest',
      () => docker({ ...both, RepoTags: [`a@${sha256Digest('')}`] }),
      /not that/,
    ],
    ['Layers of numbers', () => docker({ Layers: [1] }), /Layers must be a list of strings/],
    ['manifest.json as an object', () => archiveOf(['manifest.json', '{}']), /must be a list/],
    ['manifest.json that is no JSON', () => archiveOf(['manifest.json', '[} ']), /not a JSON doc/],
    ['no image at all', () => archiveOf(['manifest.json', '[]']), /there is no image in it/],
    ['only repositories', () => archiveOf(['repositories', '{}']), /saved by docker before 1\.10/],
    ['something else', () => archiveOf(['README', 'hello']), /not an archive of images/],
    ['no oci-layout', () => archiveOf(['index.json', '{}']), /index\.json, but no oci-layout/],
    [
      'a layout of another version',
      () => archiveOf(...layout.slice(0, -1), ['oci-layout', '{"imageLayoutVersion":"2.0.0"}']),
      /version "2\.0\.0" is not 1\.0\.0/,
    ],
    [
      'a huge index.json',
      () => archiveOf(['index.json', Buffer.alloc(5 * 1024 * 1024, ' ')]),
      /index\.json: 5242880 bytes are more than 4194304/,
    ],
    [
      'a huge config',
      () => {
        const config = Buffer.alloc(9 * 1024 * 1024, ' ')
        const name = `${digestHex(sha256Digest(config))}.json`
        const manifest = JSON.stringify([{ Config: name, Layers: [] }])
        return archiveOf([name, config], ['manifest.json', manifest])
      },
      /9437184 bytes are more than 8388608/,
    ],
    [
      'a huge manifest',
      () => {
        const bytes = Buffer.alloc(5 * 1024 * 1024, ' ')
        const target = descriptorOf(bytes, mediaTypes.ociManifest)
        return archiveOf(blobFile(bytes), ...layoutFiles([target]))
      },
      /5242880 bytes are more than 4194304/,
    ],
    [
      'an index nested too deep',
      () => {
        let { blob, target } = buildIndex([image.manifest])
        const blobs = [...image.blobs, blob]
        for (let depth = 0; depth < 10; depth += 1) {
          ;({ blob, target } = buildIndex([target]))
          blobs.push(blob)
        }
        return archiveOf(...blobs, ...layoutFiles([target]))
      },
      /nested deeper than 8/,
    ],
    [
      'an index of thousands',
      () => {
        const many = Array.from({ length: 600 }, (_, index) =>
          buildIndex([{ ...image.manifest, platform: { os: 'linux', architecture: `a${index}` } }]),
        )
        const { blob, target } = buildIndex(many.map((each) => each.target))
        const blobs = many.map((each) => each.blob)
        return archiveOf(...image.blobs, ...blobs, blob, ...layoutFiles([target]))
      },
      /leads to more than 500 documents/,
    ],
    [
      'an index with a cycle',
      () => {
        // No digest can be in its own bytes: what is left is a name that lies.
        const { blob, target } = buildIndex([image.manifest])
        const again = buildIndex([target])
        const lying = [blob[0], again.blob[1]] as const
        return archiveOf(...image.blobs, lying, again.blob, ...layoutFiles([again.target]))
      },
      /is not what its name says/,
    ],
    [
      'a manifest that is an index too',
      () => {
        const bytes = Buffer.from(JSON.stringify({ manifests: [], layers: [], config: {} }))
        const target = descriptorOf(bytes, mediaTypes.ociIndex)
        return archiveOf(blobFile(bytes), ...layoutFiles([target]))
      },
      /is both an index and a manifest/,
    ],
    [
      'a size that is wrong',
      () => archiveOf(...image.blobs, ...layoutFiles([shortened])),
      /expected \d+ bytes, got \d+/,
    ],
    [
      'a wrong diffID in a packed layer',
      () => archiveOf(...badLayer.blobs, ...layoutFiles([named(badLayer.manifest, 'bad')])),
      /layer 1 of 1: expected diffID/,
    ],
    [
      'fewer diff_ids than layers',
      () => archiveOf(...tooFew.blobs, ...layoutFiles([named(tooFew.manifest, 'bad')])),
      /1 diff_ids for 2 layers/,
    ],
    [
      'a name that poisons',
      () => archiveOf(...image.blobs, ...layoutFiles([named(image.manifest, '../../x')])),
      /bad name/,
    ],
    ['an empty file', () => Buffer.alloc(0), /is empty, not an archive/],
    ['a cut header', () => archiveOf(...layout).subarray(0, 1000), /cut off/],
    ['a cut body', () => archiveOf(...layout).subarray(0, 1100), /cut off/],
    [
      'no end marker',
      () => archiveOf(...layout).subarray(0, -1024),
      /cut off: it has no end marker/,
    ],
    ['half an end marker', () => archiveOf(...layout).subarray(0, -512), /cut off/],
    [
      'other bytes after its end',
      () => Buffer.concat([archiveOf(...layout), Buffer.from('more')]),
      /other bytes follow its end/,
    ],
    [
      'a damaged header',
      () => {
        const archive = archiveOf(...layout)
        archive[512 * 8] = (archive[512 * 8] ?? 0) ^ 1
        return archive
      },
      /damaged header|is not what its name says/,
    ],
    ['a negative size', () => tarOf(entry('a', '0', { patches: [[124, '-0000000001\0']] })), /a/],
    [
      'an extended header without an end',
      () => tarOf(entry('x', 'x', { body: Buffer.alloc(100_000, 'a') }), file('a')),
      /an extended header is too long/,
    ],
    ['a long name of a gigabyte', () => tarOf(entry('x', 'L', { sizeBytes: 2 ** 30 })), /too long/],
    ['bzip2', () => Buffer.from('BZh91AY&SY'), /compressed with bzip2, not gzip or zstd/],
    ['xz', () => Buffer.from('\xfd7zXZ\0rest', 'latin1'), /compressed with xz, not gzip or zstd/],
    ['cut gzip', () => gzipSync(archiveOf(...layout)).subarray(0, -20), /damaged gzip stream/],
    [
      'cut zstd',
      () => zstdCompressSync(archiveOf(...layout)).subarray(0, -20),
      /damaged zstd|cut off/,
    ],
    [
      'damaged gzip',
      () => {
        const packed = gzipSync(archiveOf(...layout))
        packed.fill(0x55, 40, 60)
        return packed
      },
      /damaged gzip stream/,
    ],
  ]

  for (const [what, archive, message] of rows) {
    test(`${what}: one clear line, and nothing is left`, async () => {
      const before = statSync(join(outside, 'canary'))
      await assert.rejects(load(archive()), (error) => {
        assert.ok(error instanceof TsctrError, String(error))
        assert.match(chain(error), message)
        assert.match(error.message, /^[^\n]+$/)
        return true
      })
      assertNothingIsLeft()
      const { mode, mtimeMs, ino } = statSync(join(outside, 'canary'))
      assert.deepEqual([mode, mtimeMs, ino], [before.mode, before.mtimeMs, before.ino])
      assert.equal(readFileSync(join(outside, 'canary'), 'utf8'), 'untouched')
      assert.deepEqual(readdirSync(outside), ['canary'])
    })
  }

  test('a refused archive leaves the images that are here as they are', async () => {
    await load(archiveOf(...layout))
    const before = files()
    const bad = buildImage({
      layersBaseFirst: [gzipSync(top)],
      diffIDs: [sha256Digest('another')],
      layerMediaType: mediaTypes.ociLayerGzip,
    })
    const archive = archiveOf(...bad.blobs, ...layoutFiles([named(bad.manifest, appName)]))
    await assert.rejects(load(archive), /layer 1 of 1|expected diffID/)
    assert.deepEqual(files(), before)
    assert.equal(topFile(appName), 'top')
  })

  test('of two images where one is refused, neither is named', async () => {
    const other = buildImage({ layersBaseFirst: [layerOf('other')] })
    const archive = archiveOf(
      ...image.blobs,
      ...other.blobs.slice(1),
      ...layoutFiles([named(image.manifest, appName), named(other.manifest, 'other')]),
    )
    await assert.rejects(load(archive), /neither in it nor here/)
    assertNothingIsLeft()
  })

  test('a file that the disk has no room for is refused before a byte of it is read', async () => {
    let readBytes = 0
    const header = entry('layer.tar', '0', { sizeBytes: 0o7777777777 * 8 })
    async function* bomb(): AsyncGenerator<Buffer> {
      yield header
      for (;;) {
        readBytes += 2 ** 20
        assert.ok(readBytes < 2 ** 26, 'it is read on and on')
        yield Buffer.alloc(2 ** 20)
      }
    }
    const tooLarge = { ...stores, content: withoutRoom() }
    await assert.rejects(
      loadImages(tooLarge, {
        input: bomb(),
        what: 'x.tar',
        platforms: 'here',
        preferred,
        collectGarbage: () => assert.fail('nothing was committed'),
      }),
      /layer\.tar: no space left for 8589934584 bytes/,
    )
    assertNothingIsLeft()
  })

  test('an interrupted load ends with its reason and leaves nothing', async () => {
    const stop = new AbortController()
    async function* endless(): AsyncGenerator<Buffer> {
      yield archiveOf(...layout).subarray(0, 2048)
      stop.abort(new TsctrError('UNAVAILABLE', 'interrupted'))
      yield archiveOf(...layout).subarray(2048)
    }
    await assert.rejects(load(endless(), { signal: stop.signal }), /interrupted/)
    assertNothingIsLeft()
  })

  function withoutRoom(): typeof stores.content {
    return Object.create(stores.content, { hasRoomFor: { value: () => false } })
  }
})

function chain(error: Error): string {
  const { cause } = error
  return cause instanceof Error ? `${error.message}: ${chain(cause)}` : error.message
}
