import type { Command } from 'commander'
import { findSnapshotByName } from '../../snapshot/find-by-name.ts'
import { withContext } from '../context.ts'
import { escapeControls } from '../render/escape.ts'
import { humanTransfer } from '../render/human-size.ts'
import { renderTable } from '../render/table.ts'

export function addSnapshotUsageCommand(parent: Command): void {
  parent
    .command('usage [key...]')
    .description('Show what snapshots take on disk, all of them or some, without their parents')
    .option('-b, --bytes', 'sizes in bytes')
    .action((keys: string[], { bytes }: { bytes?: boolean }, command: Command) =>
      withContext(command, async (ctx) => {
        const snapshots =
          keys.length === 0
            ? ctx.snapshots.walk()
            : keys.map((text) => findSnapshotByName(ctx.snapshots, text))
        const rows = snapshots.map(({ key }) => {
          const { sizeBytes, inodes } = ctx.snapshots.usage(key)
          const size = bytes === true ? String(sizeBytes) : humanTransfer(sizeBytes)
          return [escapeControls(key), size, String(inodes)]
        })
        // Source: ctr snapshots usage
        ctx.stdout.write(renderTable(['KEY', 'SIZE', 'INODES'], rows))
      }),
    )
}
