import { resolve } from 'node:path'
import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { copyFiles } from '../../container/copy/copy.ts'
import { type CopyOperand, parseCopyOperand } from '../../container/copy/operand.ts'
import { withContext } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'
import { interruptible } from '../interrupt.ts'
import { readerGone } from '../output.ts'
import { processStdio } from '../process-stdio.ts'
import { humanSize } from '../render/human-size.ts'

interface CpFlags {
  readonly archive?: boolean
  readonly followLink?: boolean
  readonly quiet?: boolean
  readonly platform?: string
}

const stdoutFd = 1

export function addCpCommand(parent: Command): void {
  parent
    .command('cp <source> <destination>')
    .description(
      'Copy files: CONTAINER:PATH or volume:NAME/PATH to a local path, or the other way, or from image:NAME:TAG/PATH; - is a tar archive',
    )
    .option('-a, --archive', 'keep owners and attributes')
    .option('-L, --follow-link', 'copy what a symbolic link that is the source points to')
    .option('-q, --quiet', 'do not say what was copied (default: without a terminal)')
    .option('--no-quiet', 'say it without a terminal too')
    .option('--platform <os/arch>', 'platform of an image (env DOCKER_DEFAULT_PLATFORM)')
    .action((source: string, destination: string, flags: CpFlags, command: Command) => {
      const [from, to] = [parseCopyOperand(source), parseCopyOperand(destination)]
      const platform = wantedPlatform(flags.platform)
      return withContext(command, async (ctx) => {
        const { copiedBytes, isReaderGone } = await interruptible((signal) =>
          copyFiles(ctx, {
            from,
            to,
            isArchive: flags.archive === true,
            followsLink: flags.followLink === true,
            platform,
            input: processStdio.input,
            outputFd: stdoutFd,
            signal,
          }),
        ).finally(() => {
          // Who writes into it may be in no hurry to end, and would keep this process up.
          if (from.kind === 'stream') processStdio.closeInput()
        })
        if (isReaderGone) process.exit(readerGone)
        if (to.kind === 'stream' || (flags.quiet ?? !isatty(stdoutFd))) return
        ctx.stderr.line(`Successfully copied ${humanSize(copiedBytes, 3)} to ${shown(to)}`)
      })
    })
}

/** As docker names it: where a container is not meant, the whole path. */
function shown(to: Exclude<CopyOperand, { kind: 'stream' }>): string {
  switch (to.kind) {
    case 'container':
      return `${to.name}:${to.path}`
    case 'volume':
      return `volume:${to.name}${to.path}`
    case 'image':
      return `image:${to.text}`
    case 'host':
      return resolve(to.path)
  }
}
