import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { exportContainer } from '../../container/export.ts'
import { TsctrError } from '../../errors.ts'
import { writeAsync } from '../../host/async-write.ts'
import { writeOutputFile } from '../../host/output-file.ts'
import { withContext } from '../context.ts'
import { interruptible } from '../interrupt.ts'
import { readerGone } from '../output.ts'

const stdoutFd = 1

export function addExportCommand(parent: Command): void {
  parent
    .command('export <container>')
    .description("Write a container's files as a tar archive")
    .option('-o, --output <file>', 'write to a file instead of stdout')
    .action((name: string, { output }: { output?: string }, command: Command) =>
      withContext(command, async (ctx) => {
        if (output === undefined && isatty(stdoutFd)) {
          // docker's words
          const problem = 'cowardly refusing to save to a terminal'
          throw new TsctrError('INVALID_ARGUMENT', problem, { hint: 'use -o FILE, or redirect' })
        }
        await interruptible((signal) => {
          const fill = (write: (bytes: Buffer) => Promise<void>): Promise<void> =>
            exportContainer(ctx, { name, write, signal })
          return output === undefined ? fill(writeStdout) : writeOutputFile(output, fill)
        })
      }),
    )
}

async function writeStdout(bytes: Buffer): Promise<void> {
  if (!(await writeAsync(stdoutFd, bytes))) process.exit(readerGone)
}
