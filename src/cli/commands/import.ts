import type { Command } from 'commander'
import { collectGarbage } from '../../gc/collect-garbage.ts'
import { type ConfigChange, parseConfigChange } from '../../image/config-change.ts'
import { importImage } from '../../image/import.ts'
import { parseNewReference } from '../../image/new-reference.ts'
import { openArchive } from '../archive-input.ts'
import { withContext } from '../context.ts'
import { repeated } from '../flag-parser.ts'
import { wantedPlatform } from '../image-platform.ts'
import { interruptible } from '../interrupt.ts'
import { programVersion } from '../program-version.ts'

interface ImportFlags {
  readonly change?: readonly ConfigChange[]
  readonly message?: string
  readonly platform?: string
}

export function addImportCommand(parent: Command): void {
  parent
    .command('import <file|url|-> [repository[:tag]]')
    .description('Make an image of a root filesystem: a tar archive, plain, gzip or zstd')
    .option(
      '-c, --change <instruction>',
      'apply a Dockerfile instruction: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR',
      repeated('--change', parseConfigChange),
    )
    .option('-m, --message <text>', 'where it comes from; shown by history')
    .option('--platform <os/arch>', 'platform that it is for')
    .action((source: string, text: string | undefined, flags: ImportFlags, command: Command) => {
      const reference = text === undefined ? undefined : parseNewReference(text)
      const platform = wantedPlatform(flags.platform)
      return withContext(command, async (ctx) => {
        const id = await interruptible(async (signal) =>
          importImage(ctx, {
            input: await openSource(source, signal),
            source: shownSource(source),
            reference,
            message: flags.message,
            changes: flags.change ?? [],
            platform,
            collectGarbage: () => void collectGarbage(ctx),
            signal,
          }),
        )
        ctx.stdout.line(id)
      })
    })
}

function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source)
}

async function openSource(source: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
  if (isUrl(source)) {
    const { download } = await import('../../registry/download.ts')
    return download(source, { userAgent: `tsctr/${programVersion}`, signal })
  }
  return openArchive(source, signal)
}

/** A name and password in an address are nobody else's. */
function shownSource(source: string): string {
  return isUrl(source) ? source.replace(/\/\/[^/@]*@/, '//') : source
}
