import type { Command } from 'commander'
import { commitContainer } from '../../container/commit.ts'
import { oneOf } from '../../container/flag-values/one-of.ts'
import { TsctrError } from '../../errors.ts'
import { type ConfigChange, parseConfigChange } from '../../image/config-change.ts'
import { parseNewReference } from '../../image/new-reference.ts'
import type { ImageFormat, LayerCompression } from '../../oci/media-type.ts'
import { withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'
import { interruptible } from '../interrupt.ts'

interface CommitFlags {
  readonly author?: string
  readonly message?: string
  readonly change?: readonly ConfigChange[]
  readonly pause?: boolean
  readonly format?: ImageFormat
  readonly compression: LayerCompression
}

export function addCommitCommand(parent: Command): void {
  parent
    .command('commit <container> [repository[:tag]]')
    .description('Make an image of what a container has changed')
    .option('-a, --author <name>', 'who made it')
    .option('-m, --message <text>', 'what was done; shown by history')
    .option(
      '-c, --change <instruction>',
      'apply a Dockerfile instruction: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR',
      repeated('--change', parseConfigChange),
    )
    .option('-p, --pause', 'pause the container meanwhile (the default)')
    .option('--no-pause', 'let the container run meanwhile')
    .option(
      '--format <format>',
      'media types of the image: docker or oci (docker; oci with zstd)',
      single('--format', oneOf('docker', 'oci')),
    )
    .option(
      '--compression <method>',
      'of the new layer: gzip, zstd or none',
      single('--compression', oneOf('gzip', 'zstd', 'none')),
      'gzip',
    )
    .action((name: string, text: string | undefined, flags: CommitFlags, command: Command) => {
      const reference = text === undefined ? undefined : parseNewReference(text)
      const format = flags.format ?? (flags.compression === 'zstd' ? 'oci' : 'docker')
      if (format === 'docker' && flags.compression === 'zstd') {
        const message = '--format docker: has no layers compressed with zstd'
        throw new TsctrError('INVALID_ARGUMENT', message, { hint: '--format oci' })
      }
      return withContext(command, async (ctx) => {
        const id = await interruptible((signal) =>
          commitContainer(ctx, {
            name,
            reference,
            author: flags.author,
            message: flags.message,
            changes: flags.change ?? [],
            pauses: flags.pause !== false,
            format,
            compression: flags.compression,
            signal,
          }),
        )
        ctx.stdout.line(id)
      })
    })
}
