import { TsctrError } from '../errors.ts'
import { type Reference, repositoryName } from '../oci/reference.ts'
import { type Access, Authorizer } from './authorizer.ts'
import { fileCredentials } from './credential-files.ts'
import type { CredentialSource } from './credentials.ts'
import type { Capability, Endpoint } from './endpoint.ts'
import { type EndpointOptions, endpointsFor, registryEndpoint } from './endpoints.ts'
import { registriesFiles } from './registries-files.ts'
import { connectionError } from './registry-error.ts'
import { defaultRetryPolicy, RetryBudget, type RetryPolicy } from './retry-budget.ts'
import { type Attempt, type Send, summary } from './server-request.ts'
import { sendPatiently, sendToEndpoint } from './session.ts'
import { settleScheme } from './settle-scheme.ts'
import { type HttpRequest, type HttpResponse, Transport } from './transport.ts'

export interface ServersOptions {
  /** Directories of `<host>/hosts.toml`, in the order they are searched. */
  readonly hostsDirs: readonly string[]
  /** podman's own files, unless given: EndpointOptions has more. */
  readonly registriesFiles?: readonly string[] | undefined
  /** What docker and podman have saved, unless given. */
  readonly credentials?: CredentialSource | undefined
  /** Registries and networks that may speak plain HTTP, or show any certificate; loopback always may. */
  readonly insecureRegistries?: readonly string[] | undefined
  /** EndpointOptions has more. */
  readonly certDir?: string | undefined
  readonly userAgent: string
  /** One line a request, without anything secret in it. */
  readonly trace?: ((line: string) => void) | undefined
  /** How long a server may be silent; 30 s. */
  readonly idleTimeoutMs?: number | undefined
  readonly retryPolicy?: RetryPolicy | undefined
  /** Where proxies and credential files are looked up; this process's own. */
  readonly env?: NodeJS.ProcessEnv | undefined
}

/** The next server is a better try than a fifth one of the same. */
const triesBeforeNext = 2

/** The registries and mirrors that one client speaks to, and what it has found out about them. */
export class Servers {
  readonly retryPolicy: RetryPolicy
  readonly #endpointOptions: EndpointOptions
  readonly transport: Transport
  readonly authorizer: Authorizer
  readonly #endpoints = new Map<string, Promise<readonly Endpoint[]>>()
  readonly #bases = new Map<Endpoint, Promise<URL>>()
  /** Servers that did not answer as they should: asked again only where nobody else is left. */
  readonly #failing = new Set<Endpoint>()
  readonly #closing = new AbortController()

  constructor(options: ServersOptions) {
    const env = options.env ?? process.env
    this.retryPolicy = options.retryPolicy ?? defaultRetryPolicy
    this.#endpointOptions = {
      hostsDirs: options.hostsDirs,
      registriesFiles: options.registriesFiles ?? registriesFiles(env),
      insecureRegistries: options.insecureRegistries ?? [],
      certDir: options.certDir,
    }
    this.transport = new Transport({
      userAgent: options.userAgent,
      idleTimeoutMs: options.idleTimeoutMs ?? 30_000,
      env,
      trace: options.trace,
    })
    this.authorizer = new Authorizer({
      credentials: options.credentials ?? fileCredentials(env),
      send: (request) => this.sendToTokenService(request),
    })
  }

  /** Aborted when the client is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  /** Try the registry's servers in their order until one has what is asked for. */
  async ask<T>(
    reference: Reference,
    capability: Capability,
    what: string,
    userSignal: AbortSignal | undefined,
    attempt: Attempt<T>,
    firstServer = 0,
  ): Promise<T> {
    const { registry, repository } = reference
    const signal = this.until(userSignal)
    const failures: TsctrError[] = []
    const all = await this.endpointsFor(reference)
    const endpoints = all.filter(({ capabilities }) => capabilities.has(capability))
    for (const [index, endpoint] of endpoints.entries()) {
      const next = index + 1 < endpoints.length ? index + 1 : undefined
      if (index < firstServer || (next !== undefined && this.#failing.has(endpoint))) continue
      const { isMirror, host } = endpoint
      const operand = { what, registry: isMirror ? host : registry, host }
      const budget = this.budget(signal, next === undefined ? undefined : triesBeforeNext)
      const access: Access = { repository: endpoint.repository, actions: 'pull' }
      const send: Send = async (request) => {
        const path = `/${endpoint.repository}${request.path.slice(1 + repository.length)}`
        return sendToEndpoint(
          this.transport,
          this.authorizer,
          endpoint,
          await this.baseOf(endpoint, signal),
          { ...request, path, access, operand, signal },
          budget,
        )
      }
      try {
        return await attempt(send, operand, budget, signal, next)
      } catch (error) {
        signal.throwIfAborted()
        const failure = connectionError(endpoint.host, error)
        if (!(failure instanceof TsctrError)) throw failure
        if (failure.code === 'UNAVAILABLE') this.#failing.add(endpoint)
        failures.push(failure)
      }
    }
    throw summary(failures, what, capability)
  }

  /** Until the user gives up, or the client is closed. */
  until(userSignal: AbortSignal | undefined): AbortSignal {
    const { signal } = this.#closing
    return userSignal === undefined ? signal : AbortSignal.any([userSignal, signal])
  }

  budget(signal: AbortSignal, maxTries?: number): RetryBudget {
    const policy = this.retryPolicy
    return new RetryBudget(maxTries === undefined ? policy : { ...policy, maxTries }, signal)
  }

  endpointsFor(reference: Reference): Promise<readonly Endpoint[]> {
    const key = `${repositoryName(reference)} ${reference.digest !== undefined}`
    const known = this.#endpoints.get(key)
    const endpoints = known ?? endpointsFor(reference, this.#endpointOptions)
    this.#endpoints.set(key, endpoints)
    return endpoints
  }

  sendToTokenService(request: HttpRequest): Promise<HttpResponse> {
    // Several requests wait for one token: it ends with the client, not with one of them.
    const { signal } = this.#closing
    const { host } = request.url
    const operand = { what: `token service ${host}`, registry: host, host }
    return sendPatiently(this.transport, { ...request, signal }, operand, this.budget(signal))
  }

  /** An endpoint's base once it is known whether it speaks TLS. */
  baseOf(endpoint: Endpoint, signal: AbortSignal): Promise<URL> {
    if (!endpoint.mayBePlain) return Promise.resolve(endpoint.base)
    const known = this.#bases.get(endpoint)
    if (known !== undefined) return known
    const base = settleScheme(this.transport, endpoint, signal)
    this.#bases.set(endpoint, base)
    base.catch(() => this.#bases.delete(endpoint))
    return base
  }

  /** The registry itself, not its mirrors. */
  endpointOf(registry: string): Promise<Endpoint> {
    return registryEndpoint(registry, this.#endpointOptions)
  }

  close(): void {
    this.#closing.abort(new TsctrError('UNAVAILABLE', 'registry client: closed'))
    this.transport.close()
  }
}
