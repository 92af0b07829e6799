import { existsSync, rmSync, type Stats, statSync } from 'node:fs'
import { type FileHandle, open as openFile, realpath, rename } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isErrno, TsctrError } from '../errors.ts'
import { fsyncDirectory } from './durable.ts'
import { storageError } from './storage-error.ts'

/**
 * Write a user's output file so that it is there whole or not at all: an old file of that name
 * stays until then. A pipe is written as the bytes come.
 *
 * @param fill  writes the bytes in order with the function it is given
 * @throws      INVALID_ARGUMENT in docker's words for a path that cannot be one; whatever `fill`
 *              throws, and nothing is left then
 * Source: docker/cli command.ValidateOutputPath; its files are 0600
 */
export async function writeOutputFile(
  path: string,
  fill: (write: (bytes: Buffer) => Promise<void>) => Promise<void>,
): Promise<void> {
  const found = checkOutputPath(path)
  if (found?.isFIFO()) return fillFile(await openFile(path, 'w'), path, fill)
  const target = found === undefined ? path : await realpath(path)
  const temporary = join(dirname(target), `.${basename(target)}.tsctr-${process.pid}`)
  const remove = (): void => rmSync(temporary, { force: true })
  // An interrupted command may be ended before its cleanup has come so far.
  process.once('exit', remove)
  try {
    await fillFile(await openFile(temporary, 'wx', 0o600), path, fill)
    await rename(temporary, target)
  } catch (error) {
    remove()
    throw storageError(path, error)
  } finally {
    process.off('exit', remove)
  }
  fsyncDirectory(dirname(target))
}

function checkOutputPath(path: string): Stats | undefined {
  const directory = dirname(path)
  if (!existsSync(directory)) {
    throw invalid(`directory ${JSON.stringify(directory)} does not exist`)
  }
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return undefined
  if (found.isDirectory()) throw invalid(`${JSON.stringify(path)} is a directory`)
  if (found.isFile() || found.isFIFO()) return found
  throw invalid(`${JSON.stringify(path)} must be a regular file: got a device`)
}

function invalid(problem: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `invalid output path: ${problem}`)
}

async function fillFile(
  file: FileHandle,
  path: string,
  fill: (write: (bytes: Buffer) => Promise<void>) => Promise<void>,
): Promise<void> {
  try {
    await fill(async (bytes) => {
      for (let done = 0; done < bytes.length; ) {
        done += (await file.write(bytes, done)).bytesWritten
      }
    })
    await syncUnlessPipe(file)
  } catch (error) {
    throw storageError(path, error)
  } finally {
    await file.close()
  }
}

async function syncUnlessPipe(file: FileHandle): Promise<void> {
  try {
    await file.sync()
  } catch (error) {
    if (!isErrno(error, 'EINVAL')) throw error
  }
}
