import { isatty } from 'node:tty'
import type { Command } from 'commander'
import type { Blob } from '../../content/records.ts'
import { findUsers, type Users } from '../../gc/users.ts'
import { withContext } from '../context.ts'
import { type Row, type RowLayout, renderRows } from '../render/format.ts'
import { humanDuration } from '../render/human-duration.ts'
import { humanSize } from '../render/human-size.ts'
import { shortKey, usersCell } from '../render/users.ts'

interface ContentLsFlags {
  readonly quiet?: boolean
  /** commander's name for `--no-trunc`. */
  readonly trunc: boolean
  readonly format?: string
}

export function addContentLsCommand(parent: Command): void {
  parent
    .command('ls')
    .description('List blobs: manifests, configs and layers as registries store them')
    .option('-q, --quiet', 'print digests alone, whole')
    .option('--no-trunc', 'show whole digests')
    .option('--format <format>', "'table', 'wide', 'json', a Go template, or 'table TEMPLATE'")
    .action((flags: ContentLsFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const blobs = ctx.content.list()
        if (flags.quiet === true) {
          for (const { digest } of blobs) ctx.stdout.line(digest)
          return
        }
        const users = findUsers(ctx)
        const rows = blobs.map((blob) => rowOf(blob, users, flags.trunc))
        ctx.stdout.write(renderRows(rows, layout, { format: flags.format, isTerminal: isatty(1) }))
      }),
    )
}

const layout: RowLayout = {
  headers: {
    Digest: 'DIGEST',
    Size: 'SIZE',
    SizeBytes: 'SIZE',
    Age: 'AGE',
    CreatedAt: 'CREATED AT',
    MediaType: 'MEDIA TYPE',
    UsedBy: 'USED BY',
    Users: 'USERS',
    Labels: 'LABELS',
  },
  table: ['Digest', 'Size', 'Age', 'MediaType', 'UsedBy'],
  wide: ['Digest', 'Size', 'Age', 'MediaType', 'Labels', 'UsedBy'],
}

function rowOf(blob: Blob, users: Users, trunc: boolean): Row {
  const names = users.ofBlob(blob.digest)
  return {
    Digest: trunc ? shortKey(blob.digest) : blob.digest,
    Size: humanSize(blob.sizeBytes, 3),
    SizeBytes: blob.sizeBytes,
    Age: humanDuration(Date.now() - blob.createdAt.getTime()),
    CreatedAt: blob.createdAt.toISOString(),
    MediaType: blob.mediaType ?? '',
    UsedBy: usersCell(names),
    Users: names,
    Labels: [...blob.labels].map(([key, value]) => `${key}=${value}`).join(','),
  }
}
