import type { Command } from 'commander'
import { isRunning } from '../../container/observe.ts'
import { hasCode } from '../../errors.ts'
import { collectGarbage } from '../../gc/collect-garbage.ts'
import { type RemovedImage, removeImage } from '../../image/remove-image.ts'
import { type Context, withContext } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'
import { forEachTarget, throwAll } from '../targets.ts'

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
        const removed: RemovedImage[] = []
        const remove = (text: string): void => {
          try {
            const image = removeImage(ctx, { text, platform, isForced, isRunning })
            for (const name of image.untagged) ctx.stdout.line(`Untagged: ${name}`)
            removed.push(image)
          } catch (error) {
            if (!isForced || !hasCode(error, 'NOT_FOUND')) throw error
            ctx.stderr.line(`WARNING: ${error.message}`)
          }
        }
        const steps = images.map((text) => () => remove(text))
        // Once for all of them: to look for garbage takes far longer than to forget a name.
        if (flags.prune) steps.push(() => prune(ctx, removed))
        await forEachTarget(steps, async (step) => step())
      }),
    )
}

/** Collect what nothing needs any more; of that the image's own id and layers are shown, as docker does. */
function prune(ctx: Context, images: readonly RemovedImage[]): void {
  if (images.length === 0) return
  const failures: unknown[] = []
  const garbage = collectGarbage(ctx, { onFailure: (error) => void failures.push(error) })
  const deleted = new Set<string>([
    ...garbage.blobs.map(({ digest }) => digest),
    ...garbage.snapshots.map(({ key }) => key),
  ])
  const names = images.flatMap(({ id, layersTopFirst }) => [id, ...layersTopFirst])
  for (const name of new Set(names)) {
    if (deleted.has(name)) ctx.stdout.line(`Deleted: ${name}`)
  }
  throwAll(failures)
}
