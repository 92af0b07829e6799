import type { CommanderError } from 'commander'
import { TsctrError } from '../errors.ts'

/** Whether commander only printed a help text and nothing is wrong. */
export function isHelpShown(error: unknown): boolean {
  return isCommanderError(error) && error.exitCode === 0
}

/**
 * Word a mistake in the arguments as every error of tsctr is worded; other errors pass as they are.
 *
 * @param words  the command as typed; empty if the mistake is before it
 */
export function asUsageError(error: unknown, words: readonly string[]): unknown {
  if (!isCommanderError(error)) return error
  const [problem = '', suggestion = ''] = error.message.split('\n')
  const operand = words.length === 0 ? '' : `${words.join(' ')}: `
  const meant = /^\(Did you mean (.+)\?\)$/.exec(suggestion)?.[1]
  return new TsctrError('INVALID_ARGUMENT', `${operand}${plain(problem)}`, {
    hint:
      meant === undefined
        ? ['tsctr', ...words, '--help'].join(' ')
        : `did you mean ${meant.replace(/^one of /, '')}?`,
  })
}

// Not by instanceof: importing the class would load commander before a command needs it.
function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && 'exitCode' in error && /^commander\./.test(codeOf(error))
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : ''
}

function plain(message: string): string {
  return message.replace(/^error: /, '').replace(/\.$/, '')
}
