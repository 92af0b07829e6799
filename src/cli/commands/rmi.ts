import type { Command } from 'commander'
import { isRunning } from '../../container/observe.ts'
import { hasCode } from '../../errors.ts'
import { collectGarbage } from '../../gc/collect-garbage.ts'
import { type RemovedImage, removeImage } from '../../image/remove-image.ts'
import { type Context, withContext } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'
import { forEachTarget } from '../targets.ts'

interface RmiFlags {
  readonly force?: boolean
  /** commander's name for `--no-prune`. */
  readonly prune: boolean
}

export function addRmiCommand(parent: Command): void {
  parent
    .command('rmi <image...>')
    .description('Remove images')
    .option('-f, --force', 'also several names at once, and from under stopped containers')
    .option('--no-prune', 'take the names only; `tsctr gc` takes the rest')
    .action((images: string[], flags: RmiFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const isForced = flags.force === true
        const platform = wantedPlatform()
        await forEachTarget(images, async (text) => {
          let removed: RemovedImage
          try {
            removed = removeImage(ctx, { text, platform, isForced, isRunning })
          } catch (error) {
            if (!isForced || !hasCode(error, 'NOT_FOUND')) throw error
            ctx.stderr.line(`WARNING: ${error.message}`)
            return
          }
          for (const name of removed.untagged) ctx.stdout.line(`Untagged: ${name}`)
          if (flags.prune) prune(ctx, removed)
        })
      }),
    )
}

/** Collect what nothing needs any more; of that the image's own id and layers are shown, as docker does. */
function prune(ctx: Context, { id, layersTopFirst }: RemovedImage): void {
  const garbage = collectGarbage(ctx)
  const deleted = new Set<string>([
    ...garbage.blobs.map(({ digest }) => digest),
    ...garbage.snapshots.map(({ key }) => key),
  ])
  for (const name of [id, ...layersTopFirst]) {
    if (deleted.has(name)) ctx.stdout.line(`Deleted: ${name}`)
  }
}
