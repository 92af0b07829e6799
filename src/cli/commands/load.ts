import { createReadStream, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { isErrno, TsctrError } from '../../errors.ts'
import { collectGarbage } from '../../gc/collect-garbage.ts'
import { type LoadedImage, loadImages } from '../../image/load.ts'
import { familiarName } from '../../oci/reference.ts'
import {
  type ArchivePlatformFlags,
  parsePlatforms,
  selectedPlatforms,
} from '../archive-platforms.ts'
import { type Context, withContext } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'
import { interruptible } from '../interrupt.ts'
import { createProgress } from '../render/progress.ts'

interface LoadFlags extends ArchivePlatformFlags {
  readonly input?: string
  readonly quiet?: boolean
}

const stdinFd = 0
const stderrFd = 2
const chunkBytes = 1024 * 1024

export function addLoadCommand(parent: Command): void {
  parent
    .command('load')
    .description('Load images from an archive: docker-archive or OCI layout, plain, gzip or zstd')
    .option('-i, --input <file>', 'read a file instead of stdin')
    .option('-q, --quiet', 'show no progress')
    .option('--platform <os/arch>', 'load this platform only (repeatable)', parsePlatforms)
    .option('--all-platforms', 'load and unpack every platform, and fail if one is not there')
    .action((flags: LoadFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const platforms = selectedPlatforms(flags)
        const input = openInput(flags.input)
        const isShown = flags.quiet !== true && isatty(stderrFd)
        const progress = await createProgress(isShown ? 'auto' : 'none', process.stderr)
        const loaded = await interruptible((signal) =>
          loadImages(ctx, {
            input: addAbortSignal(signal, input),
            what: flags.input ?? 'stdin',
            platforms,
            preferred: wantedPlatform(),
            collectGarbage: () => void collectGarbage(ctx),
            onProgress: progress.onEvent,
            signal,
          }),
        ).finally(progress.finish)
        for (const image of loaded) printLoaded(ctx, image)
      }),
    )
}

/** Source: docker load */
function printLoaded(ctx: Context, { references, id }: LoadedImage): void {
  for (const reference of references) ctx.stdout.line(`Loaded image: ${familiarName(reference)}`)
  if (references.length === 0) ctx.stdout.line(`Loaded image ID: ${id}`)
}

function openInput(path: string | undefined): Readable {
  if (path === undefined) {
    if (!isatty(stdinFd)) return process.stdin
    const problem = 'requested load from stdin, but stdin is empty'
    throw new TsctrError('INVALID_ARGUMENT', problem, { hint: '-i FILE, or redirect' })
  }
  try {
    const fd = openSync(path, 'r')
    const stats = fstatSync(fd)
    // A read from a pipe would hold up a thread, and with it even the end of the process.
    if (stats.isFIFO()) return new Socket({ fd, readable: true, writable: false })
    if (!stats.isDirectory()) return createReadStream(path, { fd, highWaterMark: chunkBytes })
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    throw new TsctrError('NOT_FOUND', `${path}: no such file`)
  }
  throw new TsctrError('INVALID_ARGUMENT', `${path}: is a directory, not an archive`)
}
