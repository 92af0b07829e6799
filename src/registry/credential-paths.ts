import { homedir } from 'node:os'
import { join } from 'node:path'

/** A file that may hold logins. */
export interface CredentialPath {
  readonly path: string
  /** `.dockercfg`: the entries themselves, without `auths` around them. */
  readonly isOldForm: boolean
}

/**
 * Where logins are looked up, in this order: podman's files, then docker's. A file that the
 * environment names is the only one.
 *
 * @param env  REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, DOCKER_CONFIG, HOME
 * Source: containers-auth.json(5); containers/image getAuthFilePaths
 */
export function credentialPaths(env: NodeJS.ProcessEnv): CredentialPath[] {
  if (env.REGISTRY_AUTH_FILE) return [{ path: env.REGISTRY_AUTH_FILE, isOldForm: false }]
  const home = homeOf(env)
  const files = [
    runtimeFile(env),
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'containers', 'auth.json'),
    dockerFile(env),
  ].filter((path) => path !== undefined)
  return [
    ...files.map((path) => ({ path, isOldForm: false })),
    { path: join(home, '.dockercfg'), isOldForm: true },
  ]
}

/** Where `login` saves and `logout` erases: docker's file, unless the environment names another. */
export function loginPath(env: NodeJS.ProcessEnv): string {
  return env.REGISTRY_AUTH_FILE || dockerFile(env)
}

function dockerFile(env: NodeJS.ProcessEnv): string {
  return join(env.DOCKER_CONFIG || join(homeOf(env), '.docker'), 'config.json')
}

function runtimeFile(env: NodeJS.ProcessEnv): string | undefined {
  if (env.XDG_RUNTIME_DIR) return join(env.XDG_RUNTIME_DIR, 'containers', 'auth.json')
  return process.getuid?.() === 0 ? '/run/containers/0/auth.json' : undefined
}

function homeOf(env: NodeJS.ProcessEnv): string {
  return env.HOME || homedir()
}
