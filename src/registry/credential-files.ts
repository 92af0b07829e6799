import { TsctrError } from '../errors.ts'
import { asObject, type JsonObject, optionalString } from '../oci/json-document.ts'
import {
  closestKey,
  credentialKeeper,
  objectField,
  readCredentialConfig,
} from './credential-config.ts'
import { getFromHelper } from './credential-helper.ts'
import { credentialPaths } from './credential-paths.ts'
import type { CredentialSource, Login } from './credentials.ts'

/**
 * Logins that docker, podman, nerdctl and tsctr have saved. Read only when a registry asks.
 *
 * @param env  where the files are (credentialPaths), and PATH for the helpers
 */
export function fileCredentials(env: NodeJS.ProcessEnv): CredentialSource {
  return {
    async find(host, repository) {
      return (await locateLogin(host, repository, env))?.login.credential
    },
  }
}

/**
 * The login for a repository and the file that decided: the first that has one. `repository` is
 * `''` for all of a registry.
 *
 * @throws  FAILED_PRECONDITION, INVALID_ARGUMENT, RUNTIME_FAILED naming the file or the helper
 * Source: docker login §credential-stores; containers-auth.json(5)
 */
export async function locateLogin(
  host: string,
  repository: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly login: Login; readonly path: string } | undefined> {
  for (const { path, isOldForm } of credentialPaths(env)) {
    const config = readCredentialConfig(path)
    if (config === undefined) continue
    const form = isOldForm ? { auths: config } : config
    const login = await findIn(form, path, host, repository, env)
    if (login !== undefined) return { login, path }
  }
  return undefined
}

async function findIn(
  config: JsonObject,
  path: string,
  host: string,
  repository: string,
  env: NodeJS.ProcessEnv,
): Promise<Login | undefined> {
  const keeper = credentialKeeper(config, path, host, repository)
  if (keeper !== undefined) {
    const login = await getFromHelper(keeper, env)
    if (login !== undefined) return login
  }
  const auths = objectField(config, 'auths', path)
  const key = closestKey(Object.keys(auths), host, repository)
  if (key === undefined) return undefined
  return entryLogin(asObject(auths[key], `${path}: auths.${key}`), `${path}: auths.${key}`)
}

function entryLogin(entry: JsonObject, what: string): Login | undefined {
  const auth = optionalString(entry, 'auth', what)
  const [username = '', secret = ''] = auth
    ? decodeAuth(auth, what)
    : [optionalString(entry, 'username', what), optionalString(entry, 'password', what)]
  const identityToken = optionalString(entry, 'identitytoken', what)
  if (identityToken) {
    return { username, credential: { kind: 'identityToken', secret: identityToken } }
  }
  const registryToken = optionalString(entry, 'registrytoken', what)
  if (registryToken) {
    return { username, credential: { kind: 'registryToken', secret: registryToken } }
  }
  if (username === '' || secret === '') return undefined
  return { username, credential: { kind: 'password', username, secret } }
}

function decodeAuth(auth: string, what: string): [username: string, secret: string] {
  const text = Buffer.from(auth, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 0)
    throw new TsctrError('INVALID_ARGUMENT', `${what}: auth is not base64 of user:password`)
  // Old docker clients padded it with NUL.
  return [text.slice(0, colon), text.slice(colon + 1).replace(/\0+$/, '')]
}
