import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { closeTree } from '../../../src/container/copy/locate.ts'
import { openTree, type TreePlace } from '../../../src/container/copy/open-tree.ts'
import { runCopy, unpackInto } from '../../../src/container/copy/run-copy.ts'
import { O_PATH } from '../../../src/host/libc.ts'
import type { LayerStream } from '../../../src/layer/decompress.ts'
import { needsPrograms } from '../../helpers/capabilities.ts'
import { file, tarOf } from '../../helpers/tar-builder.ts'

const durationMs = 5000

/** Each name is now a directory, now a link to a path of the host. */
const racer = `
  my ($race, $canaries) = @ARGV; chdir $race or die;
  for (;;) {
    rename "d", "e"; rename "link", "d"; rename "d", "link"; rename "e", "d";
    rename "d/sub", "d/x"; symlink "$canaries/sub", "d/sub"; unlink "d/sub"; rename "d/x", "d/sub";
  }`

// CVE-2018-15664: a directory was swapped for a link between the check of a path and its use.
// Fault list, b3 43.
test('a tree that swaps its directories for links all the time leads nowhere outside of it', {
  skip: needsPrograms('perl'),
  timeout: 60_000,
}, async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tsctr-race-'))
  const at = (...names: string[]): string => join(scratch, ...names)
  const canary = at('canaries/sub/file')
  mkdirSync(at('canaries/sub'), { recursive: true })
  writeFileSync(canary, 'untouched')
  const before = statSync(canary, { bigint: true })
  mkdirSync(at('root/race/d/sub'), { recursive: true })
  // What the links mean inside: without it they would only dangle.
  mkdirSync(at('root', scratch, 'canaries/sub'), { recursive: true })
  symlinkSync(at('canaries'), at('root/race/link'))
  mkdirSync(at('payload/sub'), { recursive: true })
  writeFileSync(at('payload/sub/file'), 'attack')
  const archive = tarOf(file('sub/file', 'attack'))

  const host: TreePlace = { kind: 'host' }
  const tree = (): TreePlace => {
    const fd = openSync(at('root'), O_PATH | constants.O_DIRECTORY)
    return { kind: 'process', fd, prefix: 'c:' }
  }
  const rest = { owner: undefined, keepsXattrs: false, interruption: new SharedArrayBuffer(4) }
  const into = (from: string, to: string) =>
    runCopy({
      from: { kind: 'tree', place: host, path: at(from), followsLink: false },
      to: { kind: 'tree', place: tree(), path: to },
      ...rest,
    })
  const out = (from: string, to: string) =>
    runCopy({
      from: { kind: 'tree', place: tree(), path: from, followsLink: false },
      to: { kind: 'tree', place: host, path: at(to) },
      ...rest,
    })
  const counts = { written: 0, unpacked: 0, read: 0, refused: 0 }
  const tried = (name: 'written' | 'unpacked' | 'read', action: () => void): void => {
    try {
      action()
      counts[name] += 1
    } catch (error) {
      // What is not there at the moment is refused; a bug is none of these.
      if (!(error instanceof Error) || error.message.startsWith('bug')) throw error
      counts.refused += 1
    }
  }
  const child = spawn('perl', ['-e', racer, at('root/race'), at('canaries')], { stdio: 'ignore' })
  try {
    const until = Date.now() + durationMs
    while (Date.now() < until) {
      tried('written', () => into('payload/.', '/race/d'))
      tried('written', () => into('payload/sub/file', '/race/d/sub/file'))
      tried('written', () => into('payload/sub', '/race/d/'))
      tried('unpacked', () => {
        const root = openTree(tree())
        try {
          unpackInto(root, { path: '/race/d' }, streamOf(archive), () => {})
        } finally {
          closeTree(root)
        }
      })
      tried('read', () => out('/race/d/sub/file', 'read'))
      tried('read', () => out('/race/d', 'read-tree'))
      for (const path of ['read', 'read-tree/sub/file']) {
        if (isWithoutLinks(scratch, path)) assert.equal(readFileSync(at(path), 'utf8'), 'attack')
      }
      rmSync(at('read-tree'), { recursive: true, force: true })
      rmSync(at('read'), { force: true })
    }
    child.kill('SIGKILL')
    const { written, unpacked, read } = counts
    assert.ok(written > 50 && unpacked > 10 && read > 10, JSON.stringify(counts))
    assert.equal(readFileSync(canary, 'utf8'), 'untouched')
    const now = statSync(canary, { bigint: true })
    assert.deepEqual(
      [now.mtimeNs, now.ctimeNs, now.ino],
      [before.mtimeNs, before.ctimeNs, before.ino],
    )
    assert.deepEqual(readdirSync(at('canaries')), ['sub'])
    assert.deepEqual(readdirSync(at('canaries/sub')), ['file'])
    assert.equal(readdirSync('/proc/self/fd').length < 100, true, 'descriptors are closed')
  } finally {
    child.kill('SIGKILL')
    rmSync(scratch, { recursive: true, force: true })
  }
})

function streamOf(bytes: Buffer): LayerStream {
  let offset = 0
  return {
    read: (into) => {
      const length = bytes.copy(into, 0, offset)
      offset += length
      return length
    },
    close: () => {},
  }
}

/** A link that is copied stays a link: what lies behind it did not come from the tree. */
function isWithoutLinks(root: string, path: string): boolean {
  let at = root
  for (const name of path.split('/')) {
    at = join(at, name)
    const stats = lstatSync(at, { throwIfNoEntry: false })
    if (stats === undefined || stats.isSymbolicLink()) return false
  }
  return true
}
