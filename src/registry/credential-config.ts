import { readFileSync } from 'node:fs'
import { isErrno, TsctrError } from '../errors.ts'
import {
  asObject,
  field,
  type JsonObject,
  optionalString,
  parseJsonObject,
} from '../oci/json-document.ts'
import { credentialHost, hubServer, matchLength, parseCredentialKey } from './credentials.ts'

/**
 * Read a file of logins.
 *
 * @returns  undefined where there is none, or an empty one
 * @throws   FAILED_PRECONDITION, INVALID_ARGUMENT, without a word of the content
 */
export function readCredentialConfig(path: string): JsonObject | undefined {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined
    if (!isErrno(error, 'EACCES', 'EISDIR')) throw error
    throw new TsctrError('FAILED_PRECONDITION', `${path}: cannot be read`, { cause: error })
  }
  // What podman leaves after the last logout.
  if (bytes.toString().trim() === '') return undefined
  return parseSecretJson(bytes, path)
}

/** As parseJsonObject; its cause quotes the text, and this text has secrets in it. */
export function parseSecretJson(bytes: Buffer, what: string): JsonObject {
  try {
    return parseJsonObject(bytes, what)
  } catch (error) {
    if (!(error instanceof TsctrError)) throw error
    throw new TsctrError(error.code, error.message)
  }
}

/** The program that keeps a registry's login, and the name it knows the registry by. */
export interface CredentialKeeper {
  readonly helper: string
  readonly server: string
}

/** Which helper a file names for a repository, or for all of a registry. */
export function credentialKeeper(
  config: JsonObject,
  path: string,
  host: string,
  repository: string,
): CredentialKeeper | undefined {
  const helpers = objectField(config, 'credHelpers', path)
  const key = closestKey(Object.keys(helpers), host, repository)
  const helper =
    (key === undefined ? undefined : optionalString(helpers, key, path)) ??
    optionalString(config, 'credsStore', path)
  if (helper === undefined || helper === '') return undefined
  const isHub = credentialHost(host) === 'docker.io'
  return { helper, server: isHub ? hubServer : (key ?? host) }
}

/** The key that covers a repository most closely; the first of equals. */
export function closestKey(keys: string[], host: string, repository: string): string | undefined {
  let best: string | undefined
  let bestLength = -1
  for (const key of keys) {
    const length = matchLength(parseCredentialKey(key), host, repository)
    if (length > bestLength) [best, bestLength] = [key, length]
  }
  return best
}

export function objectField(config: JsonObject, key: string, path: string): JsonObject {
  const value = field(config, key)
  return value === undefined ? {} : asObject(value, `${path}: ${key}`)
}
