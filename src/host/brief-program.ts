import { closeSync, fstatSync, readSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import type { ProgramResult } from './exec.ts'
import { memfdCreate, spawnSession, waitForChild } from './libc.ts'

/**
 * Run a program that takes a few milliseconds to its end; this process stands still meanwhile, which
 * saves it the 10 ms of a child of Node's. A Ctrl-C does not reach the program.
 *
 * @param file   a path
 * @param input  its whole stdin
 * @throws       the system's error if it cannot be started
 */
export function runBriefly(
  file: string,
  args: readonly string[],
  {
    input = '',
    env,
  }: { readonly input?: string | undefined; readonly env: Readonly<Record<string, string>> },
): ProgramResult {
  const files = ['stdin', 'stdout', 'stderr'].map(memfdCreate)
  const [stdin = -1, stdout = -1, stderr = -1] = files
  try {
    // At a position, so that the program reads from the beginning.
    writeSync(stdin, input, 0)
    const end = waitForChild(spawnSession(file, args, env, files))
    return {
      exitCode: end?.exitCode,
      signal: signalName(end?.signalNumber),
      isTimedOut: false,
      stdout: contentOf(stdout),
      stderr: contentOf(stderr),
    }
  } finally {
    for (const fd of files) closeSync(fd)
  }
}

function contentOf(fd: number): string {
  const bytes = Buffer.alloc(fstatSync(fd).size)
  let length = 0
  while (length < bytes.length) {
    const count = readSync(fd, bytes, length, bytes.length - length, length)
    if (count === 0) break
    length += count
  }
  return bytes.toString('utf8', 0, length)
}

function signalName(number: number | undefined): NodeJS.Signals | undefined {
  const names = Object.entries(constants.signals)
  return names.find(([, each]) => each === number)?.[0] as NodeJS.Signals | undefined
}
