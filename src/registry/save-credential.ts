import { chownSync, mkdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { isErrno } from '../errors.ts'
import { writeFileAtomically } from '../host/durable.ts'
import { lockFile } from '../host/file-lock.ts'
import type { JsonObject } from '../oci/json-document.ts'
import { credentialKeeper, objectField, readCredentialConfig } from './credential-config.ts'
import { eraseInHelper, storeInHelper } from './credential-helper.ts'
import { loginPath } from './credential-paths.ts'
import {
  credentialHost,
  hubServer,
  matchLength,
  type ProvableLogin,
  parseCredentialKey,
} from './credentials.ts'

/**
 * Keep a login as docker does: in the helper that the file names for the registry, else in the file.
 *
 * @param registry  host, with its port if it has one
 * @returns         the file, and whether the secret stands in it
 * @throws          FAILED_PRECONDITION, INVALID_ARGUMENT, RUNTIME_FAILED naming the file or helper
 */
export async function saveCredential(
  registry: string,
  login: ProvableLogin,
  env: NodeJS.ProcessEnv,
): Promise<{ path: string; isInFile: boolean }> {
  const path = loginPath(env)
  let isInFile = true
  await editConfig(path, async (config) => {
    const keeper = credentialKeeper(config, path, registry, '')
    isInFile = keeper === undefined
    if (keeper !== undefined) await storeInHelper(keeper, login, env)
    const key = credentialHost(registry) === 'docker.io' ? hubServer : registry
    const others = withoutRegistry(objectField(config, 'auths', path), registry)
    return { ...config, auths: { ...others, [key]: isInFile ? fileEntry(login) : {} } }
  })
  return { path, isInFile }
}

/** Forget a registry's login in the file and its helper. @throws as saveCredential does */
export async function eraseCredential(registry: string, env: NodeJS.ProcessEnv): Promise<void> {
  const path = loginPath(env)
  if (readCredentialConfig(path) === undefined) return
  await editConfig(path, async (config) => {
    const keeper = credentialKeeper(config, path, registry, '')
    if (keeper !== undefined) await eraseInHelper(keeper, env)
    const auths = objectField(config, 'auths', path)
    const others = withoutRegistry(auths, registry)
    if (Object.keys(others).length === Object.keys(auths).length) return undefined
    return { ...config, auths: others }
  })
}

/** Without what is for all of the registry, however the key is written; logins for a path stay. */
function withoutRegistry(auths: JsonObject, registry: string): JsonObject {
  const isOther = (key: string): boolean => matchLength(parseCredentialKey(key), registry, '') !== 0
  return Object.fromEntries(Object.entries(auths).filter(([key]) => isOther(key)))
}

/** Source: docker/cli configfile, encodeAuth */
function fileEntry({ username, credential }: ProvableLogin): JsonObject {
  const encode = (text: string): string => Buffer.from(text).toString('base64')
  if (credential.kind === 'password') return { auth: encode(`${username}:${credential.secret}`) }
  return { auth: encode(`${username}:`), identitytoken: credential.secret }
}

/**
 * Change a file of logins, one process at a time: whoever reads it sees the old text or the new.
 *
 * @param edit  returns what is to be written; undefined to leave the file alone
 */
async function editConfig(
  path: string,
  edit: (config: JsonObject) => Promise<JsonObject | undefined>,
): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const file = realPath(path)
  const lockPath = `${file}.lock`
  let lock = await lockFile(lockPath)
  while (!lock.isOn(lockPath)) {
    lock.release()
    lock = await lockFile(lockPath)
  }
  try {
    const config = await edit(readCredentialConfig(file) ?? {})
    if (config !== undefined) write(file, `${JSON.stringify(config, undefined, '\t')}\n`)
  } finally {
    rmSync(lockPath, { force: true })
    lock.release()
  }
}

/** The secret is its owner's alone, also where the file was open to others, or root is the writer. */
function write(file: string, text: string): void {
  const before = statSync(file, { throwIfNoEntry: false })
  writeFileAtomically(file, text, 0o600)
  if (before !== undefined && before.uid !== process.getuid?.()) {
    chownSync(file, before.uid, before.gid)
  }
}

/** A link to the file stays one. */
function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return path
    throw error
  }
}
