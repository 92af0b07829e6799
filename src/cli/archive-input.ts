import { createReadStream, fstatSync, openSync } from 'node:fs'
import { isatty } from 'node:tty'
import { isErrno, TsctrError } from '../errors.ts'

const stdinFd = 0
const chunkBytes = 1024 * 1024

/**
 * A file that is named on the command line, or stdin for `-`.
 *
 * @throws  NOT_FOUND; INVALID_ARGUMENT for a directory and for a terminal
 */
export function openArchive(source: string, signal: AbortSignal): AsyncIterable<Buffer> {
  return source === '-' ? readStdin(signal) : readFile(source, signal)
}

function readStdin(signal: AbortSignal): AsyncIterable<Buffer> {
  if (isatty(stdinFd)) {
    throw new TsctrError('INVALID_ARGUMENT', '-: stdin is a terminal, not an archive', {
      hint: 'redirect a file, or name it',
    })
  }
  return createReadStream('', { fd: stdinFd, highWaterMark: chunkBytes, autoClose: false, signal })
}

function readFile(path: string, signal: AbortSignal): AsyncIterable<Buffer> {
  try {
    const fd = openSync(path, 'r')
    if (!fstatSync(fd).isDirectory()) {
      return createReadStream(path, { fd, highWaterMark: chunkBytes, signal })
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    throw new TsctrError('NOT_FOUND', `${path}: no such file`)
  }
  throw new TsctrError('INVALID_ARGUMENT', `${path}: is a directory, not an archive`, {
    hint: `tar -C ${path} -c . writes one to stdout`,
  })
}
