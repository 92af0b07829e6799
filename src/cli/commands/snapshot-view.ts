import { join } from 'node:path'
import type { Command } from 'commander'
import { TsctrError } from '../../errors.ts'
import { findSnapshotByName } from '../../snapshot/find-by-name.ts'
import { mountView } from '../../snapshot/mounted-views.ts'
import { withContext } from '../context.ts'

export function addSnapshotViewCommand(parent: Command): void {
  parent
    .command('view <key> [directory]')
    .description('Mount a committed snapshot read-only and print where; undone by snapshot unmount')
    .action((text: string, directory: string | undefined, _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        const { key, kind } = findSnapshotByName(ctx.snapshots, text)
        if (kind !== 'committed') {
          throw new TsctrError('FAILED_PRECONDITION', `snapshot ${key}: is not committed`, {
            hint: `tsctr snapshot mounts DIRECTORY ${text}`,
          })
        }
        const viewer = ctx.snapshotter(ctx.containerSnapshotter)
        const home = mountHome(ctx.stateRoot)
        const { target } = mountView(viewer, { parent: key, target: directory, home, labels: {} })
        ctx.stdout.line(target)
      }),
    )
}

/** Where mount points are made; no namespace has such a name. */
export function mountHome(stateRoot: string): string {
  return join(stateRoot, '.mounts')
}
