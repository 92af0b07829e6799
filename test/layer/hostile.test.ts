import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { gzipSync } from 'node:zlib'
import { TsctrError } from '../../src/errors.ts'
import { mount, umount2 } from '../../src/host/libc.ts'
import { type AppliedLayer, applyLayer } from '../../src/layer/apply-layer.ts'
import {
  directory,
  entry,
  file,
  gnuLong,
  hardLink,
  symlink,
  tarOf,
  withChecksum,
} from '../helpers/tar-builder.ts'
import { applyStack, needsRoot, possible, scratchDirectory } from './scratch.ts'

const needsMount = needsRoot === false ? canMountTmpfs() : needsRoot
const applyLayerUrl = new URL('../../src/layer/apply-layer.ts', import.meta.url)

test('mutated archives: unpacked or refused in one line, nothing outside changes', (t) => {
  const canary = scratchDirectory(t)
  writeFileSync(join(canary, 'f'), 'canary')
  const look = (): unknown => [
    readdirSync(canary),
    readFileSync(join(canary, 'f'), 'latin1'),
    ['.', 'f'].map((name) => lstatSync(join(canary, name), { bigint: true }).ctimeNs),
  ]
  const before = look()
  const { TSCTR_FUZZ_SEED, TSCTR_FUZZ_CASES } = process.env
  const seed = Number(TSCTR_FUZZ_SEED ?? Date.now() % 1e9)
  const cases = Number(TSCTR_FUZZ_CASES ?? 200)
  t.diagnostic(`seed ${seed}`)
  const random = randomNumbers(seed)
  const lower = sample(canary)
  for (let index = 0; index < cases; index += 1) {
    const layer = mutate(sample(canary), random)
    try {
      applyStack(t, lower, random() < 0.3 ? gzipSync(layer) : layer)
    } catch (error) {
      assert.ok(error instanceof TsctrError, `seed ${seed}, case ${index}: ${error}`)
      assert.doesNotMatch(error.message, /\p{Cc}/u)
    }
  }
  assert.deepEqual(look(), before)
})

test('a layer that unfolds a thousandfold takes no more memory', (t) => {
  const directory = scratchDirectory(t)
  const blobPath = join(directory, 'blob')
  const zeros = gzipSync(Buffer.alloc(32 * 1024 * 1024))
  const members = 8
  writeFileSync(
    blobPath,
    Buffer.concat([
      gzipSync(file('zeros', '', { sizeBytes: members * 32 * 1024 * 1024 })),
      ...Array.from({ length: members }, () => zeros),
      gzipSync(Buffer.alloc(1024)),
    ]),
  )
  const root = join(directory, 'fs')
  mkdirSync(root)
  const program = `
    import { applyLayer } from '${applyLayerUrl}'
    const options = ${JSON.stringify({ blobPath, root, ownership: possible })}
    const { sizeBytes } = applyLayer(options)
    console.log(JSON.stringify({ sizeBytes, maxRssKiB: process.resourceUsage().maxRSS }))
  `
  const flags = ['--no-warnings', '--input-type=module', '-e', program]
  const { stdout, stderr } = spawnSync(process.execPath, flags, { encoding: 'utf8' })
  const { sizeBytes, maxRssKiB } = JSON.parse(stdout || stderr)
  assert.ok(sizeBytes > 250e6)
  assert.ok(maxRssKiB < 200 * 1024, `${maxRssKiB} KiB`)
})

test('a full disk is named, with the file that did not fit', { skip: needsMount }, (t) => {
  const root = mountTmpfs(t, 'size=1m,nr_inodes=20')
  const blobPath = join(scratchDirectory(t), 'blob')
  const refuse = (layer: Buffer, name: RegExp): void => {
    writeFileSync(blobPath, layer)
    assert.throws(
      () => applyLayer({ blobPath, root, ownership: 'apply' }),
      (error) =>
        error instanceof TsctrError && error.code === 'UNAVAILABLE' && name.test(error.message),
    )
  }
  refuse(tarOf(file('big', Buffer.alloc(2e6, 1))), /^big: no space left on device$/)
  refuse(
    tarOf(...Array.from({ length: 30 }, (_, index) => file(`f${index}`))),
    /^f\d+: no space left/,
  )
})

test('unpacking stops while the disk still has some space', { skip: needsMount }, (t) => {
  const root = mountTmpfs(t, 'size=100m')
  const blobPath = join(scratchDirectory(t), 'blob')
  writeFileSync(blobPath, gzipSync(tarOf(file('big', Buffer.alloc(99 * 1024 * 1024)))))
  // When 64 MiB are written it looks: 3 MiB are left, and 5 % of 100 MiB are to stay.
  writeFileSync(join(root, 'other'), Buffer.alloc(33 * 1024 * 1024))
  assert.throws(() => applyLayer({ blobPath, root, ownership: 'apply' }), /no space left/)
  assert.ok(lstatSync(join(root, 'big')).size <= 65 * 1024 * 1024)
})

test('a layer unpacks in a worker thread and its result can be posted', async (t) => {
  const directory = scratchDirectory(t)
  const blobPath = join(directory, 'blob')
  const root = join(directory, 'fs')
  mkdirSync(root)
  writeFileSync(blobPath, gzipSync(tarOf(file('d/f', 'x'), file('d/.wh.g'))))
  const program = `
    import { parentPort, workerData } from 'node:worker_threads'
    import { applyLayer } from '${applyLayerUrl}'
    parentPort.postMessage(applyLayer(workerData))
  `
  const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`)
  const worker = new Worker(url, { workerData: { blobPath, root, ownership: possible } })
  const applied = await new Promise<AppliedLayer>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  await worker.terminate()
  assert.equal(applied.inodes, 4)
  const shown = (paths: readonly Uint8Array[]): string[] =>
    paths.map((path) => Buffer.from(path).toString())
  assert.deepEqual(shown(applied.unsettled.implied), ['', 'd'])
  assert.deepEqual(shown(applied.unsettled.whiteouts), ['d/g'])
})

function canMountTmpfs(): string | false {
  const root = mkdtempSync(join(tmpdir(), 'tsctr-mount-'))
  try {
    mount('tmpfs', root, 'tmpfs', 0)
    umount2(root)
    return false
  } catch {
    return 'cannot mount tmpfs here'
  } finally {
    rmdirSync(root)
  }
}

function mountTmpfs(t: TestContext, options: string): string {
  const root = mkdtempSync(join(tmpdir(), 'tsctr-mount-'))
  // rmdir, not rm -r: if the unmount failed, a recursive delete would go through the mount.
  t.after(() => {
    umount2(root)
    rmdirSync(root)
  })
  mount('tmpfs', root, 'tmpfs', 0, options)
  return root
}

/** A bit of everything, with links that point at a directory outside. */
function sample(outside: string): Buffer {
  return tarOf(
    directory('./'),
    directory('d', {
      uid: 1,
      pax: [
        ['SCHILY.xattr.user.a', 'b'],
        ['mtime', '1.5'],
      ],
    }),
    file('d/f', 'x'.repeat(700)),
    symlink('out', outside),
    symlink('up', '../../../../../../tmp'),
    file('out/f', 'no'),
    hardLink('d/h', 'd/f'),
    hardLink('below', 'd/f'),
    gnuLong('L', `d/${'n'.repeat(150)}`),
    file('n', 'y'),
    file('d/.wh.gone'),
    entry('d/p', '6'),
    file('d/.wh..wh..opq'),
    file('sparse', 'abc', {
      pax: [
        ['GNU.sparse.size', '9000'],
        ['GNU.sparse.map', '0,1,5000,2'],
      ],
    }),
    file('a/b/c', 'z'),
  )
}

/** Change bytes, or move, double, drop or cut whole blocks; checksums are made right again. */
function mutate(archive: Buffer, random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit)
  const blocks: Buffer[] = []
  for (let at = 0; at < archive.length; at += 512)
    blocks.push(Buffer.from(archive.subarray(at, at + 512)))
  for (let changes = 1 + below(4); changes > 0; changes -= 1) {
    const index = below(blocks.length)
    const block = blocks[index] ?? Buffer.alloc(512)
    const kind = random()
    if (kind < 0.1) blocks.splice(index, 1)
    else if (kind < 0.2) blocks.splice(below(blocks.length), 0, Buffer.from(block))
    else if (kind < 0.25) blocks.length = index
    else if (kind < 0.6) block[below(512)] = below(256)
    else
      block.write(
        fragments[below(fragments.length)] ?? '',
        fields[below(fields.length)] ?? 0,
        'latin1',
      )
  }
  for (const block of blocks) {
    if (block.toString('latin1', 257, 262) === 'ustar') withChecksum(block)
  }
  return Buffer.concat(blocks)
}

/** Where a header keeps name, mode, size, time, type, link target and prefix. */
const fields = [0, 2, 100, 124, 136, 156, 157, 345]
const fragments = [
  '..',
  '/',
  'd\0',
  'out/',
  'up/',
  '.wh.',
  '.wh..wh..opq\0',
  '\xff',
  '\x80',
  '0',
  '1',
  '2',
  '5',
  'x',
  'S',
  'a/b',
  '\0',
]

/** The same numbers for the same seed. Source: Marsaglia, xorshift */
function randomNumbers(seed: number): () => number {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
