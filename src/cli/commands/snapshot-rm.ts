import type { Command } from 'commander'
import { removeSnapshot } from '../../gc/remove-blob.ts'
import { findSnapshotByName } from '../../snapshot/find-by-name.ts'
import { withContext } from '../context.ts'
import { escapeControls } from '../render/escape.ts'
import { forEachTarget } from '../targets.ts'

export function addSnapshotRmCommand(parent: Command): void {
  parent
    .command('rm <key...>')
    .description('Remove snapshots that nothing needs; a number or the start of a key will do')
    .action((keys: string[], _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        await forEachTarget(keys, async (text) => {
          const { key } = findSnapshotByName(ctx.snapshots, text)
          removeSnapshot(ctx, key)
          ctx.stdout.line(escapeControls(key))
        })
      }),
    )
}
