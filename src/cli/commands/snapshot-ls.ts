import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { findUsers } from '../../gc/users.ts'
import type { SnapshotInfo, SnapshotUsage } from '../../snapshot/snapshotter.ts'
import { withContext } from '../context.ts'
import { type Row, type RowLayout, renderRows } from '../render/format.ts'
import { humanSize } from '../render/human-size.ts'
import { shortKey, usersCell } from '../render/users.ts'

interface SnapshotLsFlags {
  readonly quiet?: boolean
  /** commander's name for `--no-trunc`. */
  readonly trunc: boolean
  readonly format?: string
}

export function addSnapshotLsCommand(parent: Command): void {
  parent
    .command('ls')
    .description('List snapshots: unpacked layers, and what containers have written')
    .option('-q, --quiet', 'print keys alone, whole')
    .option('--no-trunc', 'show whole keys')
    .option('--format <format>', "'table', 'json', a Go template, or 'table TEMPLATE'")
    .action((flags: SnapshotLsFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const snapshots = ctx.snapshots.walk()
        if (flags.quiet === true) {
          for (const { key } of snapshots) ctx.stdout.line(key)
          return
        }
        const users = findUsers(ctx)
        const keyText = flags.trunc ? shortKey : (key: string): string => key
        const rows = snapshots.map((snapshot) => {
          const usage = ctx.snapshots.usage(snapshot.key)
          return rowOf(snapshot, usage, users.ofSnapshot(snapshot.key), keyText)
        })
        ctx.stdout.write(renderRows(rows, layout, { format: flags.format, isTerminal: isatty(1) }))
      }),
    )
}

const layout: RowLayout = {
  headers: {
    Number: 'NUMBER',
    Key: 'KEY',
    Parent: 'PARENT',
    Kind: 'KIND',
    Size: 'SIZE',
    SizeBytes: 'SIZE',
    Inodes: 'INODES',
    CreatedAt: 'CREATED AT',
    UsedBy: 'USED BY',
    Users: 'USERS',
  },
  table: ['Number', 'Key', 'Parent', 'Kind', 'Size', 'UsedBy'],
}

function rowOf(
  snapshot: SnapshotInfo,
  usage: SnapshotUsage,
  users: readonly string[],
  keyText: (key: string) => string,
): Row {
  return {
    Number: snapshot.number,
    Key: keyText(snapshot.key),
    Parent: keyText(snapshot.parent ?? ''),
    Kind: snapshot.kind,
    Size: humanSize(usage.sizeBytes, 3),
    SizeBytes: usage.sizeBytes,
    Inodes: usage.inodes,
    CreatedAt: snapshot.createdAt.toISOString(),
    UsedBy: usersCell(users),
    Users: users,
  }
}
