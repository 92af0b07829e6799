/** What a registry accepts as proof of a user. */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly secret: string }
  /** Exchanged for access tokens; never sent to the registry itself. */
  | { readonly kind: 'identityToken'; readonly secret: string }
  /** Sent as it is. */
  | { readonly kind: 'registryToken'; readonly secret: string }

/** A credential and whose it is. */
export interface Login {
  /** `''` where the credential is all that is known. */
  readonly username: string
  readonly credential: Credential
}

/** A login that a registry can be asked about. */
export interface ProvableLogin extends Login {
  readonly credential: Exclude<Credential, { kind: 'registryToken' }>
}

/** Where credentials come from. */
export interface CredentialSource {
  /**
   * @param host        registry host with port as in a URL or a reference
   * @param repository  some sources keep credentials for a part of a registry only
   */
  find(host: string, repository: string): Promise<Credential | undefined>
}

/** The key of Docker Hub's login in files and helpers: the address it had at first. */
export const hubServer = 'https://index.docker.io/v1/'

const hubHosts = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io'])

/** A key of credential files: a host, and for some a path below it. */
export interface CredentialKey {
  readonly host: string
  /** `''` for all of the host. */
  readonly path: string
}

/**
 * Read a key as the tools of this field write it: `ghcr.io`, `https://ghcr.io/v2/`,
 * `https://index.docker.io/v1/`, `quay.io/team/app`.
 *
 * Source: docker/cli ConvertToHostname; containers-auth.json(5)
 */
export function parseCredentialKey(key: string): CredentialKey {
  const [host = '', ...parts] = key.replace(/^https?:\/\//, '').split('/')
  const path = parts.filter((part) => part !== '').join('/')
  return { host: credentialHost(host), path: /^v[12]$/.test(path) ? '' : path }
}

/** One name for a registry's several: Docker Hub's hosts, and the default port. */
export function credentialHost(host: string): string {
  const plain = host.toLowerCase().replace(/:443$/, '')
  return hubHosts.has(plain) ? 'docker.io' : plain
}

/** Whether a key covers a repository, and how closely: the longest path wins. */
export function matchLength(key: CredentialKey, host: string, repository: string): number {
  if (key.host !== credentialHost(host)) return -1
  if (key.path === '') return 0
  return `${repository}/`.startsWith(`${key.path}/`) ? key.path.length : -1
}

/** Source: RFC 7617 */
export function basicHeader(login: { username: string; secret: string }): string {
  return `Basic ${Buffer.from(`${login.username}:${login.secret}`).toString('base64')}`
}
