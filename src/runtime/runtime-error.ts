import { exitCodes, TsctrError } from '../errors.ts'

/**
 * Turn the words of runc or crun into an error whose exit code scripts know from docker.
 *
 * @param words  stderr of the runtime, or what conmon passed on of it
 * Source: docker/cli run.go toStatusError: 127 not found, 126 cannot be invoked, 125 anything else
 */
export function runtimeError(operand: string, words: string): TsctrError {
  const message = plainWords(words)
  return new TsctrError('RUNTIME_FAILED', `${operand}: ${message}`, {
    exitCode: exitCodeFor(message),
  })
}

function exitCodeFor(message: string): number {
  if (/executable file .*not found|no such file or directory/i.test(message)) {
    return exitCodes.notFound
  }
  if (/permission denied|is a directory|exec format error/i.test(message)) {
    return exitCodes.cannotInvoke
  }
  return exitCodes.engineFailed
}

/** The msg of the last line that has one (runc logs in logrus' text form), else the text itself. */
function plainWords(words: string): string {
  const messages = [...words.matchAll(/level=(?:error|fatal) msg="((?:[^"\\]|\\.)*)"/g)]
  const last = messages.at(-1)?.[1]
  const text = last === undefined ? words : last.replaceAll(/\\(.)/g, '$1')
  const trimmed = text.trim().replaceAll(/\s*\n\s*/g, '; ')
  return trimmed === '' ? 'the runtime failed without a word' : trimmed
}
