import type { Command } from 'commander'
import { oneOf } from '../../container/flag-values/one-of.ts'
import { type PulledImage, pullImage } from '../../image/pull.ts'
import { formatPlatform, platformRank } from '../../oci/platform.ts'
import { familiarName, hasDefaultTag, parseReference } from '../../oci/reference.ts'
import { type Context, withContext } from '../context.ts'
import { single } from '../flag-parser.ts'
import { wantedPlatform } from '../image-platform.ts'
import { interruptible } from '../interrupt.ts'
import { createProgress, type ProgressMode, progressModes } from '../render/progress.ts'

interface PullFlags {
  readonly quiet?: boolean
  readonly platform?: string
  readonly unpack: 'auto' | 'true' | 'false'
  readonly progress: ProgressMode
}

export function addPullCommand(parent: Command): void {
  parent
    .command('pull <reference>')
    .description('Download an image from a registry')
    .option('-q, --quiet', 'print nothing but the name of the image')
    .option('--platform <os/arch>', 'platform to pull (env DOCKER_DEFAULT_PLATFORM)')
    .option(
      '--unpack <mode>',
      'unpack the layers (true, auto), or keep them packed until a container needs them (false)',
      single('--unpack', oneOf('auto', 'true', 'false')),
      'auto',
    )
    .option(
      '--progress <mode>',
      'how to show progress on stderr: auto, plain, json or none',
      single('--progress', oneOf(...progressModes)),
      'auto',
    )
    .action((text: string, flags: PullFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const reference = parseReference(text)
        const platform = wantedPlatform(flags.platform)
        const mode = flags.quiet === true ? 'none' : flags.progress
        const speaks = mode === 'auto' || mode === 'plain'
        if (speaks && hasDefaultTag(text)) ctx.stderr.line('Using default tag: latest')
        const progress = await createProgress(mode, process.stderr)
        const pulled = await interruptible((signal) =>
          pullImage(ctx, {
            reference,
            platform,
            unpacks: flags.unpack !== 'false',
            onProgress: progress.onEvent,
            signal,
          }),
        ).finally(progress.finish)
        if (speaks) describe(ctx, pulled, familiarName(reference))
        const { platform: found } = pulled.image.config
        // With `json`, stderr is for a program to read.
        if (mode !== 'json' && platformRank(platform, found) === undefined) {
          const wanted = formatPlatform(platform)
          ctx.stderr.line(`WARNING: the image is for ${formatPlatform(found)}, not for ${wanted}`)
        }
        ctx.stdout.line(pulled.name)
      }),
    )
}

/** Source: docker pull, its last lines */
function describe(ctx: Context, { image, wasUpToDate }: PulledImage, name: string): void {
  const status = wasUpToDate ? 'Image is up to date' : 'Downloaded newer image'
  ctx.stderr.line(`Digest: ${image.target.digest}`)
  ctx.stderr.line(`Status: ${status} for ${name}`)
}
