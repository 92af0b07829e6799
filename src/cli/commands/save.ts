import { readFileSync } from 'node:fs'
import { text as textOf } from 'node:stream/consumers'
import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { TsctrError } from '../../errors.ts'
import { writeAsync } from '../../host/async-write.ts'
import { writeOutputFile } from '../../host/output-file.ts'
import { readInventory } from '../../image/read-inventory.ts'
import { saveImages } from '../../image/save.ts'
import type { Digest } from '../../oci/digest.ts'
import {
  type ArchivePlatformFlags,
  parsePlatforms,
  selectedPlatforms,
} from '../archive-platforms.ts'
import { withContext } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'
import { interruptible } from '../interrupt.ts'
import { readerGone } from '../output.ts'
import { createProgress } from '../render/progress.ts'

interface SaveFlags extends ArchivePlatformFlags {
  readonly output?: string
  readonly quiet?: boolean
  readonly excludeFrom?: string
}

const stdoutFd = 1
const stderrFd = 2

export function addSaveCommand(parent: Command): void {
  parent
    .command('save <image...>')
    .description('Write images to an archive: docker-archive and OCI layout in one')
    .option('-o, --output <file>', 'write to a file instead of stdout')
    .option('-q, --quiet', 'show no progress')
    .option('--platform <os/arch>', 'save this platform only (repeatable)', parsePlatforms)
    .option('--all-platforms', 'save every platform, and fail if one is not here')
    .option(
      '--exclude-from <file>',
      'leave out layers that the other side has: what `tsctr content ls -q` printed there (- for stdin)',
    )
    .action((texts: string[], flags: SaveFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const { output } = flags
        if (output === undefined && isatty(stdoutFd)) {
          // docker's words
          const problem = 'cowardly refusing to save to a terminal'
          throw new TsctrError('INVALID_ARGUMENT', problem, { hint: 'use -o FILE, or redirect' })
        }
        const platforms = selectedPlatforms(flags)
        const excluded = await excludedDigests(flags.excludeFrom)
        const isShown = flags.quiet !== true && output !== undefined && isatty(stderrFd)
        const progress = await createProgress(isShown ? 'auto' : 'none', process.stderr)
        await interruptible((signal) => {
          const request = { texts, platforms, excluded, signal, preferred: wantedPlatform() }
          const fill = (write: (bytes: Buffer) => Promise<void>): Promise<void> =>
            saveImages(ctx, { ...request, onProgress: progress.onEvent }, write)
          return output === undefined ? fill(writeStdout) : writeOutputFile(output, fill)
        }).finally(progress.finish)
      }),
    )
}

async function writeStdout(bytes: Buffer): Promise<void> {
  if (!(await writeAsync(stdoutFd, bytes))) process.exit(readerGone)
}

async function excludedDigests(path: string | undefined): Promise<ReadonlySet<Digest>> {
  if (path === undefined) return new Set()
  if (path === '-') return readInventory(await textOf(process.stdin), 'stdin')
  return readInventory(readFileSync(path, 'utf8'), path)
}
