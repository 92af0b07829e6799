import type { Command } from 'commander'
import { findUsers } from '../../gc/users.ts'
import { findSnapshotByName } from '../../snapshot/find-by-name.ts'
import { withContext } from '../context.ts'
import { stringifyJson } from '../render/json.ts'

export function addSnapshotInfoCommand(parent: Command): void {
  parent
    .command('info <key>')
    .description('Show all that is known of a snapshot; a number or the start of a key will do')
    .action((text: string, _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        const snapshot = findSnapshotByName(ctx.snapshots, text)
        const { key, number, kind, labels, createdAt, updatedAt } = snapshot
        const usage = ctx.snapshots.usage(key)
        const shown = {
          // Source: ctr snapshots info
          Kind: kind,
          Name: key,
          Parent: snapshot.parent ?? '',
          Labels: labels,
          Created: createdAt.toISOString(),
          Updated: updatedAt.toISOString(),
          Number: number,
          Directory: ctx.snapshots.directoriesTopFirst(key)[0],
          Size: usage.sizeBytes,
          Inodes: usage.inodes,
          Users: findUsers(ctx).ofSnapshot(key),
        }
        ctx.stdout.line(stringifyJson(shown, 4))
      }),
    )
}
