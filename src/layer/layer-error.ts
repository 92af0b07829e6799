import { isErrno, TsctrError } from '../errors.ts'
import { type ByteString, toBuffer } from './byte-string.ts'

const shownCharacters = 200
const strictUtf8 = new TextDecoder('utf-8', { fatal: true })
/** Controls, and marks that turn the direction of what follows: neither may reach a terminal. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\\]/gu

/** An entry's content is wrong: the layer is refused. */
export function layerError(entryName: ByteString, problem: string, cause?: unknown): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `${escapeName(entryName)}: ${problem}`, { cause })
}

/** The stream itself is wrong, whatever the entry. */
export function archiveError(problem: string, cause?: unknown): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `layer: ${problem}`, { cause })
}

/**
 * What a system error met while writing an entry means to the user; errors that say nothing about
 * the layer or the host are returned as they are.
 */
export function describeWriteError(entryName: ByteString, error: unknown): unknown {
  if (isErrno(error, 'EINVAL', 'ERANGE', 'E2BIG', 'ENOSPC') && error.syscall === 'lsetxattr') {
    return layerError(entryName, 'extended attribute is not valid or too large', error)
  }
  if (isErrno(error, 'ENAMETOOLONG')) return layerError(entryName, 'name is too long', error)
  if (isErrno(error, 'EFBIG')) return layerError(entryName, 'file is too large', error)
  if (isErrno(error, 'EMLINK')) return layerError(entryName, 'too many hard links', error)
  if (isErrno(error, 'EPERM')) {
    const call = error.syscall ?? 'writing it'
    const message = `${escapeName(entryName)}: ${call} is not permitted here`
    return new TsctrError('FAILED_PRECONDITION', message, {
      cause: error,
      hint: 'owners, devices and attributes of layers need root with all its capabilities',
    })
  }
  if (isErrno(error, 'ENOSPC', 'EDQUOT')) return noSpace(entryName, error)
  return error
}

export function noSpace(entryName: ByteString, cause?: unknown): TsctrError {
  return new TsctrError('UNAVAILABLE', `${escapeName(entryName)}: no space left on device`, {
    cause,
    hint: 'free some space in the data root, then try again',
  })
}

/** A name fit for a terminal: UTF-8 where it is that, other bytes and controls as escapes. */
export function escapeName(name: ByteString): string {
  if (name === '') return '""'
  const shown = name.slice(0, shownCharacters) as ByteString
  const ending = name.length > shown.length ? '…' : ''
  try {
    return strictUtf8.decode(toBuffer(shown)).replace(unprintable, escapeCharacter) + ending
  } catch {
    return shown.replace(/[^\x20-\x5b\x5d-\x7e]/g, escapeByte) + ending
  }
}

function escapeByte(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return code < 0x80 ? escapeByte(character) : `\\u{${code.toString(16)}}`
}
