import assert from 'node:assert/strict'
import { test } from 'node:test'
import { treeLines } from '../../../src/cli/commands/snapshot-tree.ts'
import { selfAsOwner } from '../../../src/host/owner.ts'
import type { SnapshotInfo, SnapshotKind } from '../../../src/snapshot/snapshotter.ts'

function snapshot(
  number: number,
  key: string,
  parent?: string,
  kind: SnapshotKind = 'committed',
): SnapshotInfo {
  const now = new Date()
  const made = { owner: selfAsOwner(), createdAt: now, updatedAt: now }
  return { number, key, parent, kind, labels: {}, usage: undefined, ...made }
}

const same = (key: string): string => key

test('children stand below their parent, siblings side by side', () => {
  const snapshots = [
    snapshot(1, 'base'),
    snapshot(2, 'left', 'base'),
    snapshot(3, 'other'),
    snapshot(4, 'right', 'base'),
    snapshot(5, 'leaf', 'left', 'active'),
  ]
  assert.deepEqual(treeLines(snapshots, same), [
    '1 base',
    '├─2 left',
    '│ └─5 leaf (active)',
    '└─4 right',
    '3 other',
  ])
})

test('a chain of 500 is walked, and a key cannot speak to the terminal', () => {
  const chain = Array.from({ length: 500 }, (_, index) =>
    snapshot(index + 1, `k${index}`, index === 0 ? undefined : `k${index - 1}`),
  )
  assert.equal(treeLines(chain, same).length, 500)
  assert.deepEqual(treeLines([snapshot(1, '\x1b[2J')], same), ['1 \\x1b[2J'])
})
