import { resolve } from 'node:path'
import type { Command } from 'commander'
import { mountsNamed } from '../../image/mounted-images.ts'
import { mountedViews } from '../../snapshot/mounted-views.ts'
import { withContext } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'
import { unmountEach } from './snapshot-unmount.ts'

export function addImageUnmountCommand(parent: Command): void {
  parent
    .command('unmount [image|directory...]')
    .description('Undo image mount: one mount by its directory, or all of an image')
    .option('-a, --all', 'all of them, and those of snapshot view')
    .action((names: string[], { all }: { all?: boolean }, command: Command) =>
      withContext(command, async (ctx) => {
        await unmountEach(ctx, names, { isAll: all === true, command: 'image' }, (text) => {
          const there = mountedViews(ctx.snapshots).filter(({ target }) => target === resolve(text))
          return there.length > 0 ? there : mountsNamed(ctx, text, wantedPlatform())
        })
      }),
    )
}
