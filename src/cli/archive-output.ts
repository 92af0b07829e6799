import { isatty } from 'node:tty'
import { TsctrError } from '../errors.ts'
import { writeAsync } from '../host/async-write.ts'
import { writeOutputFile } from '../host/output-file.ts'
import { readerGone } from './output.ts'

const stdoutFd = 1

/**
 * Write an archive to a file, which is there whole or not at all, or to stdout.
 *
 * @throws  INVALID_ARGUMENT for a terminal; as writeOutputFile
 */
export async function writeArchive(
  output: string | undefined,
  fill: (write: (bytes: Buffer) => Promise<void>) => Promise<void>,
): Promise<void> {
  if (output !== undefined) {
    await writeOutputFile(output, fill)
    return
  }
  if (isatty(stdoutFd)) {
    // docker's words
    const problem = 'cowardly refusing to save to a terminal'
    throw new TsctrError('INVALID_ARGUMENT', problem, { hint: 'use -o FILE, or redirect' })
  }
  await fill(writeStdout)
}

async function writeStdout(bytes: Buffer): Promise<void> {
  if (!(await writeAsync(stdoutFd, bytes))) process.exit(readerGone)
}
