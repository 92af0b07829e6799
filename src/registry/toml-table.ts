import { readFileSync } from 'node:fs'
import { isErrno, TsctrError } from '../errors.ts'
import { field, type JsonObject } from '../oci/json-document.ts'

/**
 * Parse a configuration file.
 *
 * @throws  FAILED_PRECONDITION naming the file, and the line that is wrong
 */
export async function parseToml(text: string, path: string): Promise<JsonObject> {
  const { parse } = await import('smol-toml')
  try {
    return parse(text)
  } catch (error) {
    const [firstLine = ''] = (error as Error).message.split('\n')
    throw new TsctrError('FAILED_PRECONDITION', `${path}: ${firstLine}`)
  }
}

/** What of a file cannot be understood, with the file's name before it. */
export function inFile(path: string, error: unknown): unknown {
  if (!(error instanceof TsctrError)) return error
  return new TsctrError('FAILED_PRECONDITION', `${path}: ${error.message}`)
}

export function booleanField(table: JsonObject, key: string, what: string): boolean | undefined {
  const value = field(table, key)
  if (value === undefined || typeof value === 'boolean') return value
  throw invalid(`${what}: ${key} must be true or false`)
}

export function strings(value: unknown, what: string): string[] {
  const list = Array.isArray(value) ? value : [value]
  if (list.every((item) => typeof item === 'string')) return list
  throw invalid(`${what}: must be a string or a list of strings`)
}

export function requireText(path: string): string {
  const text = readText(path)
  if (text === undefined) throw new TsctrError('FAILED_PRECONDITION', `${path}: no such file`)
  return text
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    if (!isErrno(error, 'EACCES', 'EISDIR')) throw error
    throw new TsctrError('FAILED_PRECONDITION', `${path}: cannot be read`, { cause: error })
  }
}

export function invalid(message: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', message)
}
