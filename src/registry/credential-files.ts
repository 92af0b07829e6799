import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno, TsctrError } from '../errors.ts'
import {
  asObject,
  field,
  type JsonObject,
  optionalString,
  parseJsonObject,
} from '../oci/json-document.ts'
import { runCredentialHelper } from './credential-helper.ts'
import {
  type Credential,
  type CredentialSource,
  credentialHost,
  matchLength,
  parseCredentialKey,
} from './credentials.ts'

/**
 * Credentials that docker, podman and nerdctl have saved. Read only when a registry asks.
 *
 * The first file that has something for a registry decides: a file that the environment names,
 * docker's own (which `tsctr login` writes), then podman's.
 *
 * @param env  DOCKER_CONFIG, REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, HOME, PATH
 * Source: docker login §credential-stores; containers-auth.json(5)
 */
export function fileCredentials(env: NodeJS.ProcessEnv): CredentialSource {
  const paths = credentialPaths(env)
  return {
    async find(host, repository) {
      for (const { path, isOldForm } of paths) {
        const config = readConfig(path, isOldForm)
        if (config === undefined) continue
        const credential = await findIn(config, path, host, repository, env)
        if (credential !== undefined) return credential
      }
      return undefined
    },
  }
}

interface CredentialPath {
  readonly path: string
  /** `.dockercfg`: the entries themselves, without `auths` around them. */
  readonly isOldForm: boolean
}

function credentialPaths(env: NodeJS.ProcessEnv): CredentialPath[] {
  const home = env.HOME
  const uid = process.getuid?.() ?? 0
  const under = (directory: string | undefined, ...parts: string[]): string[] =>
    directory === undefined || directory === '' ? [] : [join(directory, ...parts)]
  const dockerDirectory = env.DOCKER_CONFIG || under(home, '.docker')[0]
  const runtimeDirectory = env.XDG_RUNTIME_DIR || (uid === 0 ? '/run/containers/0' : undefined)
  const runtimeParts = env.XDG_RUNTIME_DIR ? ['containers', 'auth.json'] : ['auth.json']
  const configDirectory = env.XDG_CONFIG_HOME || under(home, '.config')[0]
  const files = [
    ...under(env.REGISTRY_AUTH_FILE),
    ...under(dockerDirectory, 'config.json'),
    ...under(runtimeDirectory, ...runtimeParts),
    ...under(configDirectory, 'containers', 'auth.json'),
  ]
  return [
    ...files.map((path) => ({ path, isOldForm: false })),
    ...under(home, '.dockercfg').map((path) => ({ path, isOldForm: true })),
  ]
}

function readConfig(path: string, isOldForm: boolean): JsonObject | undefined {
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
  const config = parseJsonObject(bytes, path)
  return isOldForm ? { auths: config } : config
}

async function findIn(
  config: JsonObject,
  path: string,
  host: string,
  repository: string,
  env: NodeJS.ProcessEnv,
): Promise<Credential | undefined> {
  const helpers = objectField(config, 'credHelpers', path)
  const closest = closestKey(Object.keys(helpers), host, repository)
  const helper =
    (closest === undefined ? undefined : optionalString(helpers, closest, path)) ??
    optionalString(config, 'credsStore', path)
  if (helper !== undefined && helper !== '') {
    const credential = await runCredentialHelper(helper, helperServer(closest, host), env)
    if (credential !== undefined) return credential
  }
  const auths = objectField(config, 'auths', path)
  const key = closestKey(Object.keys(auths), host, repository)
  if (key === undefined) return undefined
  return entryCredential(asObject(auths[key], `${path}: auths.${key}`), `${path}: auths.${key}`)
}

/** The key that covers a repository most closely; the first of equals. */
function closestKey(keys: string[], host: string, repository: string): string | undefined {
  let best: string | undefined
  let bestLength = -1
  for (const key of keys) {
    const length = matchLength(parseCredentialKey(key), host, repository)
    if (length > bestLength) [best, bestLength] = [key, length]
  }
  return best
}

/** Stores know Docker Hub under the address it had at first. */
function helperServer(key: string | undefined, host: string): string {
  if (credentialHost(host) === 'docker.io') return 'https://index.docker.io/v1/'
  return key ?? host
}

function entryCredential(entry: JsonObject, what: string): Credential | undefined {
  const identityToken = optionalString(entry, 'identitytoken', what)
  if (identityToken) return { kind: 'identityToken', secret: identityToken }
  const registryToken = optionalString(entry, 'registrytoken', what)
  if (registryToken) return { kind: 'registryToken', secret: registryToken }
  const auth = optionalString(entry, 'auth', what)
  const [username, secret] = auth
    ? decodeAuth(auth, what)
    : [optionalString(entry, 'username', what), optionalString(entry, 'password', what)]
  if (!username || !secret) return undefined
  return { kind: 'password', username, secret }
}

function decodeAuth(auth: string, what: string): [username: string, secret: string] {
  const text = Buffer.from(auth, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 0)
    throw new TsctrError('INVALID_ARGUMENT', `${what}: auth is not base64 of user:password`)
  // Old docker clients padded it with NUL.
  return [text.slice(0, colon), text.slice(colon + 1).replace(/\0+$/, '')]
}

function objectField(config: JsonObject, key: string, path: string): JsonObject {
  const value = field(config, key)
  return value === undefined ? {} : asObject(value, `${path}: ${key}`)
}
