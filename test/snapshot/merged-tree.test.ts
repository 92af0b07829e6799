import assert from 'node:assert/strict'
import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { lgetxattr, llistxattr, lsetxattr, lutimesNs, mknod } from '../../src/host/libc.ts'
import { mountAll, unmountTree } from '../../src/host/mount.ts'
import { copyMergedTree } from '../../src/snapshot/merged-tree.ts'
import { overlayOptions } from '../../src/snapshot/overlay-options.ts'
import { needsOverlay, needsRoot } from '../helpers/capabilities.ts'
import { opaqueDirectory, whiteout } from './fixture.ts'

let scratch: string
beforeEach(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'tsctr-merged-')))
})
afterEach(() => {
  unmountTree(scratch)
  rmSync(scratch, { recursive: true })
})

describe('a copy of one layer', { skip: needsRoot() }, () => {
  test('keeps owners, modes and times to the nanosecond', () => {
    const [layer] = layers(1)
    mkdirSync(join(layer, 'directory'))
    writeFileSync(join(layer, 'directory', 'file'), 'bytes', { mode: 0 })
    symlinkSync('to nowhere', join(layer, 'link'))
    for (const [index, name] of ['directory/file', 'directory', 'link', ''].entries()) {
      lchownSync(join(layer, name), 1000 + index, 70_000 + index)
      if (name !== 'link') chmodSync(join(layer, name), 0o7100 + index)
    }
    for (const [index, name] of ['directory/file', 'directory', 'link', ''].entries()) {
      lutimesNs(join(layer, name), 1n, -1_000_000_001n - BigInt(index))
    }
    assert.deepEqual(describeTree(copyOf(layer)), describeTree(layer))
  })

  test('keeps attributes, and a capability although the owner is set', () => {
    const [layer] = layers(1)
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex')
    writeFileSync(join(layer, 'file'), '')
    chownSync(join(layer, 'file'), 1000, 1000)
    lsetxattr(join(layer, 'file'), 'security.capability', capability)
    lsetxattr(join(layer, 'file'), 'user.empty', Buffer.alloc(0))
    symlinkSync('file', join(layer, 'link'))
    lsetxattr(join(layer, 'link'), 'trusted.of-link', Buffer.from([0, 255]))
    const copy = copyOf(layer)
    assert.deepEqual(lgetxattr(join(copy, 'file'), 'security.capability'), capability)
    assert.deepEqual(lgetxattr(join(copy, 'file'), 'user.empty'), Buffer.alloc(0))
    assert.deepEqual(lgetxattr(join(copy, 'link'), 'trusted.of-link'), Buffer.from([0, 255]))
  })

  test('keeps devices, fifos and sockets', () => {
    const [layer] = layers(1)
    mknod(join(layer, 'null'), 0o020666, 1, 3)
    mknod(join(layer, 'large'), 0o060600, 0xfff, 0xfffff)
    mknod(join(layer, 'fifo'), 0o010644)
    mknod(join(layer, 'socket'), 0o140755)
    assert.deepEqual(describeTree(copyOf(layer)), describeTree(layer))
  })

  test('keeps names and link targets that are no text', () => {
    const [layer] = layers(1)
    const bytes = (text: string): Buffer => Buffer.from(`${layer}/${text}`, 'latin1')
    mkdirSync(bytes('\xff'))
    writeFileSync(bytes('\xff/\x80\n'), 'x')
    symlinkSync(Buffer.from('\xfe', 'latin1'), bytes('link'))
    assert.deepEqual(describeTree(copyOf(layer)), describeTree(layer))
  })

  test('keeps files that are one', () => {
    const [layer] = layers(1)
    mkdirSync(join(layer, 'directory'))
    writeFileSync(join(layer, 'a'), 'x')
    linkSync(join(layer, 'a'), join(layer, 'directory', 'b'))
    symlinkSync('a', join(layer, 'c'))
    linkSync(join(layer, 'c'), join(layer, 'd'))
    const copy = copyOf(layer)
    const inode = (name: string): number => lstatSync(join(copy, name)).ino
    assert.equal(inode('a'), inode('directory/b'))
    assert.equal(inode('c'), inode('d'))
    assert.equal(lstatSync(join(copy, 'a')).nlink, 2)
    assert.equal(readlinkSync(join(copy, 'd')), 'a')
  })

  // Some kilobytes of a layer can stand for a file of terabytes.
  test('keeps holes', () => {
    const [layer] = layers(1)
    const fd = openSync(join(layer, 'sparse'), 'w')
    writeSync(fd, 'first', 0)
    writeSync(fd, 'middle', 40 << 20)
    ftruncateSync(fd, 100 << 20)
    closeSync(fd)
    const copy = copyOf(layer)
    assert.ok(readFileSync(join(copy, 'sparse')).equals(readFileSync(join(layer, 'sparse'))))
    assert.ok(statSync(join(copy, 'sparse')).blocks * 512 < 4 << 20)
  })

  test('does not follow a link where a directory is expected', () => {
    const [upper, lower] = layers(2)
    mkdirSync(join(scratch, 'outside'))
    writeFileSync(join(scratch, 'outside', 'secret'), '')
    symlinkSync(join(scratch, 'outside'), join(lower, 'name'))
    mkdirSync(join(upper, 'name'))
    assert.deepEqual(names(copyOf(upper, lower)), ['name'])
  })
})

describe('a copy of several layers', { skip: needsRoot() }, () => {
  test('has no marks of overlay in it', () => {
    const [upper, lower] = layers(2)
    mkdirSync(join(lower, 'directory'))
    writeFileSync(join(lower, 'directory', 'file'), '')
    writeFileSync(join(lower, 'gone'), '')
    opaqueDirectory(join(upper, 'directory'))
    lsetxattr(join(upper, 'directory'), 'user.overlay.origin', Buffer.from('x'))
    lsetxattr(join(upper, 'directory'), 'user.kept', Buffer.from('x'))
    whiteout(join(upper, 'gone'))
    whiteout(join(upper, 'never-there'))
    const copy = copyOf(upper, lower)
    assert.deepEqual(names(copy), ['directory'])
    assert.deepEqual(llistxattr(join(copy, 'directory')).map(String), ['user.kept'])
  })

  test('keeps files that are one only as far as both are seen', () => {
    const [upper, lower] = layers(2)
    for (const name of ['b', 'c']) {
      writeFileSync(join(lower, 'a'), 'x', { flag: 'a' })
      linkSync(join(lower, 'a'), join(lower, name))
    }
    whiteout(join(upper, 'a'))
    writeFileSync(join(upper, 'c'), 'own')
    const copy = copyOf(upper, lower)
    assert.deepEqual(names(copy), ['b', 'c'])
    assert.equal(lstatSync(join(copy, 'b')).nlink, 1)
    assert.equal(readFileSync(join(copy, 'c'), 'utf8'), 'own')
  })

  // The kernel is the judge: whatever layers hold, a copy is what a mount of them shows.
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`is what overlay shows of random layers, seed ${seed}`, { skip: needsOverlay() }, () => {
      const random = randomNumbers(seed)
      const made = layers(4)
      for (const layer of made) fillAtRandom(layer, random, 3)
      const merged = join(scratch, 'merged')
      mkdirSync(merged)
      const options = overlayOptions({ lowerdirsTopFirst: made })
      mountAll([{ type: 'overlay', source: 'overlay', options }], merged)
      const expected = describeTree(merged)
      assert.ok(expected.length >= 20)
      assert.deepEqual(describeTree(copyOf(...made)), expected)
    })
  }
})

function layers(count: 1): [string]
function layers(count: 2): [string, string]
function layers(count: number): string[]
function layers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const layer = join(scratch, `layer-${index}`)
    mkdirSync(layer)
    return layer
  })
}

function copyOf(...layersTopFirst: readonly string[]): string {
  const target = join(scratch, 'copy')
  mkdirSync(target)
  copyMergedTree(layersTopFirst, target)
  return target
}

function names(directory: string): string[] {
  return readdirSync(directory).sort()
}

/** A line for each file with everything that is to be equal. */
function describeTree(root: string): string[] {
  const lines: string[] = []
  const visit = (path: Buffer, shown: string): void => {
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    // Overlay lists, but does not find, a whiteout in a directory that only one layer has.
    if (stats === undefined) return
    lines.push(`${shown} ${describeFile(path, stats)}`)
    if (!stats.isDirectory()) return
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      const child = Buffer.concat([path, Buffer.from('/'), name])
      visit(child, `${shown}/${name.toString('latin1')}`)
    }
  }
  visit(Buffer.from(root), '')
  return lines.sort()
}

function describeFile(path: Buffer, stats: BigIntStats): string {
  const { mode, uid, gid, rdev, mtimeNs } = stats
  const xattrs = llistxattr(path)
    .map((name) => `${name}=${lgetxattr(path, name)?.toString('hex')}`)
    .filter((xattr) => !/^(trusted|user)\.overlay\./.test(xattr))
    .sort()
  const content = stats.isFile()
    ? readFileSync(path, 'latin1')
    : stats.isSymbolicLink()
      ? readlinkSync(path, { encoding: 'buffer' }).toString('latin1')
      : ''
  return `${mode.toString(8)} ${uid}:${gid} ${rdev} ${mtimeNs} [${xattrs}] ${content}`
}

function fillAtRandom(directory: string, random: () => number, depth: number): void {
  // Few names, so that layers meet.
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    const path = join(directory, name)
    const kind = random()
    if (kind < 0.25) continue
    if (kind < 0.35) whiteout(path)
    else if (kind < 0.5) writeFileSync(path, String(random()))
    else if (kind < 0.57) symlinkSync(String(random()), path)
    else if (kind < 0.6) mknod(path, 0o010600)
    else if (depth > 0) {
      if (kind < 0.7) opaqueDirectory(path)
      else mkdirSync(path)
      fillAtRandom(path, random, depth - 1)
    } else continue
    if (kind >= 0.35) setAtRandom(path, random)
  }
}

function setAtRandom(path: string, random: () => number): void {
  const upTo = (limit: number): number => Math.floor(random() * limit)
  lchownSync(path, upTo(3), upTo(3))
  if (!lstatSync(path).isSymbolicLink()) chmodSync(path, upTo(0o10000))
  lsetxattr(path, 'trusted.number', Buffer.from(String(upTo(9))))
  lutimesNs(path, 0n, BigInt(upTo(2 ** 40)))
}

/** The same numbers for the same seed: a linear congruential generator with Knuth's constants. */
function randomNumbers(seed: number): () => number {
  let state = BigInt(seed)
  return () => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n)
    return Number(state >> 32n) / 2 ** 32
  }
}
