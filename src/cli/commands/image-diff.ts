import type { Command } from 'commander'
import { compareImages } from '../../image/compare-images.ts'
import { withContext } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'
import { interruptible } from '../interrupt.ts'
import { pathChangeLine } from '../render/path-changes.ts'

export function addImageDiffCommand(parent: Command): void {
  parent
    .command('diff <before> <after>')
    .description('List what one image has added (A), changed (C) and deleted (D) against another')
    .option('--platform <os/arch>', 'compare this platform of both')
    .action((before: string, after: string, flags: { platform?: string }, command: Command) => {
      const platform = wantedPlatform(flags.platform)
      return withContext(command, async (ctx) => {
        const changes = await interruptible((signal) =>
          compareImages(ctx, [before, after], { platform, signal }),
        )
        for (const change of changes) ctx.stdout.line(pathChangeLine(change))
      })
    })
}
