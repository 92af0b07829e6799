import type { Command } from 'commander'
import { inspectImage } from '../../image/inspect-image.ts'
import { formatPlatform } from '../../oci/platform.ts'
import { withContext } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'
import { inspectTargets } from '../inspect-targets.ts'

interface ImageInspectFlags {
  readonly format?: string
  readonly platform?: string
}

export function addImageInspectCommand(parent: Command): void {
  parent
    .command('inspect <image...>')
    .description('Show all that is known of images')
    .option('-f, --format <template>', "a Go template, or 'json'")
    .option('--platform <os/arch>', 'this platform of them, which must be here')
    .action((names: string[], flags: ImageInspectFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const preferred = wantedPlatform()
        const platform = flags.platform === undefined ? undefined : wantedPlatform(flags.platform)
        await inspectTargets(ctx, {
          names,
          kind: platform === undefined ? 'image' : `image for ${formatPlatform(platform)}`,
          format: flags.format,
          inspect: async (text) => inspectImage(ctx, { text, platform, preferred }),
        })
      }),
    )
}
