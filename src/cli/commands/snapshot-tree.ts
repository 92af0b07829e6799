import type { Command } from 'commander'
import type { SnapshotInfo } from '../../snapshot/snapshotter.ts'
import { withContext } from '../context.ts'
import { escapeControls } from '../render/escape.ts'
import { shortKey } from '../render/users.ts'

export function addSnapshotTreeCommand(parent: Command): void {
  parent
    .command('tree')
    .description('Show which snapshot stands on which')
    .option('--no-trunc', 'show whole keys')
    .action(({ trunc }: { trunc: boolean }, command: Command) =>
      withContext(command, async (ctx) => {
        const keyText = trunc ? shortKey : (key: string): string => key
        for (const line of treeLines(ctx.snapshots.walk(), keyText)) ctx.stdout.line(line)
      }),
    )
}

/** A line for each snapshot, indented below its parent; roots and siblings by number. */
export function treeLines(
  snapshots: readonly SnapshotInfo[],
  keyText: (key: string) => string,
): string[] {
  const childrenOf = Map.groupBy(snapshots, ({ parent }) => parent)
  const roots = childrenOf.get(undefined) ?? []
  const lines: string[] = []
  // Not by recursion: an image may have hundreds of layers, each on the one before.
  const open = roots.map((snapshot) => ({ snapshot, lead: '', indent: '' }))
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    const { snapshot, lead, indent } = next
    const { number, key, kind } = snapshot
    const note = kind === 'committed' ? '' : ` (${kind})`
    lines.push(`${lead}${number} ${escapeControls(keyText(key))}${note}`)
    const children = childrenOf.get(key) ?? []
    open.unshift(
      ...children.map((child, index) => {
        const isLast = index === children.length - 1
        return {
          snapshot: child,
          lead: `${indent}${isLast ? '└─' : '├─'}`,
          indent: `${indent}${isLast ? '  ' : '│ '}`,
        }
      }),
    )
  }
  return lines
}
