import { resolve } from 'node:path'
import type { Command } from 'commander'
import { TsctrError } from '../../errors.ts'
import { type MountedView, mountedViews, unmountView } from '../../snapshot/mounted-views.ts'
import { type Context, withContext } from '../context.ts'
import { forEachTarget } from '../targets.ts'

export function addSnapshotUnmountCommand(parent: Command): void {
  parent
    .command('unmount [directory...]')
    .description('Undo snapshot view')
    .option('-a, --all', 'all of them, and those of image mount')
    .action((directories: string[], { all }: { all?: boolean }, command: Command) =>
      withContext(command, async (ctx) => {
        await unmountEach(ctx, directories, { isAll: all === true, command: 'snapshot' }, (text) =>
          mountedViews(ctx.snapshots).filter(({ target }) => target === resolve(text)),
        )
      }),
    )
}

/** Unmount what is named, or all, and print where each was. */
export async function unmountEach(
  ctx: Context,
  names: readonly string[],
  { isAll, command }: { readonly isAll: boolean; readonly command: string },
  find: (name: string) => readonly MountedView[],
): Promise<void> {
  if (isAll === names.length > 0) {
    const problem = isAll ? '--all goes alone' : 'say what to unmount'
    throw new TsctrError('INVALID_ARGUMENT', `${command} unmount: ${problem}`, {
      hint: `tsctr ${command} unmount --all`,
    })
  }
  const undo = (view: MountedView): void => {
    unmountView(ctx.snapshots, view)
    ctx.stdout.line(view.target)
  }
  if (isAll) return forEachTarget(mountedViews(ctx.snapshots), async (view) => undo(view))
  await forEachTarget(names, async (name) => {
    const views = find(name)
    if (views.length === 0) {
      throw new TsctrError('NOT_FOUND', `${name}: nothing of tsctr's is mounted there`, {
        hint: 'tsctr image mount lists what is',
      })
    }
    for (const view of views) undo(view)
  })
}
