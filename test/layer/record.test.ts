import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { deserialize } from 'node:v8'
import type { AppliedLayer } from '../../src/layer/apply-layer.ts'
import type { Ownership } from '../../src/layer/file-metadata.ts'
import type { RecordedMetadata } from '../../src/layer/recorded-metadata.ts'
import type { SettledLayer } from '../../src/layer/settle-layer.ts'
import { directory, entry, file, hardLink, symlink, tarOf } from '../helpers/tar-builder.ts'
import { isWhiteoutAt, scratchDirectory } from './scratch.ts'

/** Somebody without any privilege. */
const nobody = 65534

const base = tarOf(
  directory('d', { mode: 0o2710, uid: 3, gid: 4 }),
  file('d/suid', 'x', { mode: 0o4511, uid: 5 }),
  file('d/plain', 'x', { mode: 0o644 }),
  file('d/unreadable', 'x', { mode: 0, pax: [['SCHILY.xattr.security.capability', 'cap']] }),
  entry('d/null', '3', { mode: 0o666, devMajor: 1, devMinor: 3 }),
  entry('d/fifo', '6', { mode: 0o622 }),
  symlink('d/link', 'plain', { uid: 6 }),
  hardLink('d/hard', 'd/suid'),
  file('twice', 'x', { uid: 7 }),
  file('twice', 'x'),
)
const upper = tarOf(
  file('d/new'),
  file('.wh.twice'),
  hardLink('d/again', 'd/suid'),
  file('.wh.none'),
)

test('without privilege everything is readable and the rest is recorded', (t) => {
  const { roots, applied } = unpackAsNobody(t, [base])
  const [root = ''] = roots
  const mode = (name: string): string => lstatSync(join(root, name)).mode.toString(8)
  assert.equal(mode('d'), '40710')
  assert.equal(mode('d/suid'), '100711')
  assert.equal(mode('d/unreadable'), '100600')
  assert.equal(mode('d/null'), '100666')
  assert.equal(mode('d/fifo'), '10622')
  assert.deepEqual(records(applied[0]?.recorded ?? []), {
    d: [3, 4, '42710', 0],
    'd/suid': [5, 0, '104511', 0],
    'd/hard': [5, 0, '104511', 0],
    'd/unreadable': [0, 0, '100000', 0, 'security.capability=cap'],
    'd/null': [0, 0, '20666', 0x103],
    'd/link': [6, 0, '120777', 0],
  })
})

test('settling without privilege takes the records of the layers below', (t) => {
  const { roots, settled } = unpackAsNobody(t, [base, upper])
  const [, root = ''] = roots
  assert.ok(isWhiteoutAt(join(root, 'twice')))
  assert.equal(lstatSync(join(root, 'none'), { throwIfNoEntry: false }), undefined)
  assert.equal(settled[1]?.replacesRecorded, true)
  assert.deepEqual(records(settled[1]?.recorded ?? []), {
    d: [3, 4, '42710', 0],
    'd/suid': [5, 0, '104511', 0],
    'd/again': [5, 0, '104511', 0],
  })
})

test('applying owners without privilege is refused with the reason', (t) => {
  assert.throws(
    () => unpackAsNobody(t, [base], 'apply'),
    /TsctrError: d\/suid: \w+ is not permitted here/,
  )
})

function records(recorded: readonly RecordedMetadata[]): Record<string, unknown[]> {
  return Object.fromEntries(
    recorded.map(({ path, uid, gid, mode, rdev, xattrs }) => [
      text(path),
      [
        uid,
        gid,
        mode.toString(8),
        rdev,
        ...xattrs.map(({ name, value }) => `${text(name)}=${text(value)}`),
      ],
    ]),
  )
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

interface Outcome {
  readonly roots: readonly string[]
  readonly applied: readonly AppliedLayer[]
  readonly settled: readonly SettledLayer[]
}

/** Apply and settle layers in a process of another user; as oneself where one is not root. */
function unpackAsNobody(
  t: TestContext,
  layers: readonly Buffer[],
  ownership: Ownership = 'record',
): Outcome {
  const scratch = scratchDirectory(t)
  chmodSync(scratch, 0o711)
  const places = layers.map((layer, index) => {
    const blobPath = join(scratch, `blob${index}`)
    const root = join(scratch, `fs${index}`)
    writeFileSync(blobPath, layer)
    mkdirSync(root)
    if (process.getuid?.() === 0) chownSync(root, nobody, nobody)
    return { blobPath, root }
  })
  const program = `
    import { serialize } from 'node:v8'
    import { applyLayer } from '${new URL('../../src/layer/apply-layer.ts', import.meta.url)}'
    import { settleLayer } from '${new URL('../../src/layer/settle-layer.ts', import.meta.url)}'
    if (process.getuid() === 0) {
      process.setgroups([])
      process.setgid(${nobody})
      process.setuid(${nobody})
    }
    const places = ${JSON.stringify(places)}
    const ownership = '${ownership}'
    const applied = places.map((place) => applyLayer({ ...place, ownership }))
    const settled = []
    for (const [index, { root }] of places.entries()) {
      settled.push(settleLayer({
        root,
        ownership,
        unsettled: applied[index].unsettled,
        lowerdirsTopFirst: places.slice(0, index).map((lower) => lower.root).reverse(),
        recordedTopFirst: applied.slice(0, index).map((lower) => lower.recorded).reverse(),
      }))
    }
    process.stdout.write(serialize({ applied, settled }).toString('base64'))
  `
  const flags = ['--no-warnings', '--input-type=module', '-e', program]
  const child = spawnSync(process.execPath, flags, { encoding: 'utf8', timeout: 60_000 })
  assert.equal(child.status, 0, child.stderr)
  const { applied, settled } = deserialize(Buffer.from(child.stdout, 'base64')) as Outcome
  return { roots: places.map(({ root }) => root), applied, settled }
}
