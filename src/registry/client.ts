import type { Readable } from 'node:stream'
import { hasCode, TsctrError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'
import type { JsonObject } from '../oci/json-document.ts'
import { canonicalName, type Reference, repositoryName } from '../oci/reference.ts'
import { defaultTls } from './agents.ts'
import { readApiDocument } from './api-document.ts'
import { type Access, Authorizer } from './authorizer.ts'
import { openBlobStream } from './blob-stream.ts'
import { checkLogin } from './check-login.ts'
import { fileCredentials } from './credential-files.ts'
import type { CredentialSource, ProvableLogin } from './credentials.ts'
import type { Capability, Endpoint } from './endpoint.ts'
import { type EndpointOptions, endpointsFor, registryEndpoint } from './endpoints.ts'
import { openForeignBlob } from './foreign-blob.ts'
import { type FetchedManifest, readManifestAnswer } from './manifest-answer.ts'
import { openPushChannel, type PushChannel } from './push-channel.ts'
import { registriesFiles } from './registries-files.ts'
import { connectionError, statusError } from './registry-error.ts'
import { defaultRetryPolicy, RetryBudget, type RetryPolicy } from './retry-budget.ts'
import {
  type Attempt,
  documentTimeoutMs,
  manifestRequest,
  readDocument,
  type Send,
  summary,
} from './server-request.ts'
import { sendPatiently, sendToEndpoint } from './session.ts'
import { settleScheme } from './settle-scheme.ts'
import { readTagList } from './tag-list.ts'
import { type HttpRequest, type HttpResponse, Transport } from './transport.ts'

export interface RegistryClientOptions {
  /** Directories of `<host>/hosts.toml`, in the order they are searched. */
  readonly hostsDirs: readonly string[]
  /** podman's own files, unless given: EndpointOptions has more. */
  readonly registriesFiles?: readonly string[] | undefined
  /** What docker and podman have saved, unless given. */
  readonly credentials?: CredentialSource | undefined
  /** Registries and networks that may speak plain HTTP, or show any certificate; loopback always may. */
  readonly insecureRegistries?: readonly string[] | undefined
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

/** Speaks the distribution protocol with registries and their mirrors. Source: OCI distribution-spec */
export class RegistryClient {
  readonly #options: RegistryClientOptions
  readonly #endpointOptions: EndpointOptions
  readonly #transport: Transport
  readonly #authorizer: Authorizer
  readonly #endpoints = new Map<string, Promise<readonly Endpoint[]>>()
  readonly #bases = new Map<Endpoint, Promise<URL>>()
  /** Servers that did not answer as they should: asked again only where nobody else is left. */
  readonly #failing = new Set<Endpoint>()
  readonly #closing = new AbortController()

  constructor(options: RegistryClientOptions) {
    const env = options.env ?? process.env
    this.#options = options
    this.#endpointOptions = {
      hostsDirs: options.hostsDirs,
      registriesFiles: options.registriesFiles ?? registriesFiles(env),
      insecureRegistries: options.insecureRegistries ?? [],
    }
    this.#transport = new Transport({
      userAgent: options.userAgent,
      idleTimeoutMs: options.idleTimeoutMs ?? 30_000,
      env,
      trace: options.trace,
    })
    this.#authorizer = new Authorizer({
      credentials: options.credentials ?? fileCredentials(env),
      send: (request) => this.#sendToTokenService(request),
    })
  }

  /**
   * What a reference points at now: an index or a manifest.
   *
   * @throws  NOT_FOUND, UNAUTHORIZED, UNAVAILABLE, DIGEST_MISMATCH
   */
  async resolve(reference: Reference, signal?: AbortSignal): Promise<FetchedManifest> {
    const what = canonicalName(reference)
    const capability = reference.digest === undefined ? 'resolve' : 'pull'
    const name = reference.digest ?? reference.tag ?? 'latest'
    return this.#ask(reference, capability, what, signal, async (send, operand, budget) =>
      readDocument(manifestRequest(reference, name), send, operand, budget, (response) =>
        readManifestAnswer(response, what, reference.digest),
      ),
    )
  }

  /** An index's or a manifest's bytes, checked. @throws as resolve does */
  async fetchManifest(
    reference: Reference,
    descriptor: Descriptor,
    signal?: AbortSignal,
  ): Promise<Buffer> {
    const what = `${repositoryName(reference)}@${descriptor.digest}`
    const { digest, sizeBytes } = descriptor
    const request = manifestRequest(reference, digest)
    return this.#ask(reference, 'pull', what, signal, async (send, operand, budget) => {
      const { bytes } = await readDocument(request, send, operand, budget, (response) =>
        readManifestAnswer(response, what, digest),
      )
      if (bytes.length === sizeBytes) return bytes
      const sizes = `expected ${sizeBytes} bytes, got ${bytes.length}`
      throw new TsctrError('DIGEST_MISMATCH', `${what}: ${sizes}`)
    })
  }

  /**
   * The digest that a tag points at, without the document where the registry tells it so.
   *
   * @throws  as resolve does
   */
  async resolveDigest(reference: Reference, signal?: AbortSignal): Promise<Digest> {
    const what = canonicalName(reference)
    const request = manifestRequest(reference, reference.tag ?? 'latest')
    const told = await this.#ask(reference, 'resolve', what, signal, async (send, operand) => {
      const response = await send({ ...request, method: 'HEAD' })
      response.discard()
      if (response.status === 200) return response.header('docker-content-digest')
      if (response.status === 405) return null
      throw await statusError(operand, response)
    })
    if (told?.startsWith('sha256:') === true) return parseDigest(told)
    return (await this.resolve(reference, signal)).descriptor.digest
  }

  /** The tags of a repository, in the registry's order. @throws as readTagList */
  async listTags(reference: Reference, signal?: AbortSignal): Promise<string[]> {
    const what = repositoryName(reference)
    const path = `/${reference.repository}/tags/list`
    return this.#ask(reference, 'resolve', what, signal, (send, operand) =>
      readTagList({
        operand,
        request: (query) =>
          send({ method: 'GET', path, query, headers: {}, totalTimeoutMs: documentTimeoutMs }),
      }),
    )
  }

  /** A document of a web API that is no registry's; nothing of the user's goes there. */
  async fetchApiDocument(url: URL, what: string, userSignal?: AbortSignal): Promise<JsonObject> {
    const signal = this.#until(userSignal)
    const operand = { what, registry: url.host, host: url.host }
    const headers = { Accept: 'application/json' }
    const response = await sendPatiently(
      this.#transport,
      {
        method: 'GET',
        url,
        headers,
        ownHeaders: {},
        tls: defaultTls,
        signal,
        totalTimeoutMs: documentTimeoutMs,
      },
      operand,
      this.#budget(signal),
    )
    return readApiDocument(response, operand)
  }

  /**
   * A blob's bytes from an offset on, unchecked. The stream itself goes on after a lost connection;
   * an error on it is final.
   *
   * @returns  offsetBytes as asked: a registry without ranges is read over
   * @throws   NOT_FOUND, UNAUTHORIZED, UNAVAILABLE
   */
  async openBlob(
    reference: Reference,
    descriptor: Descriptor,
    offsetBytes: number,
    userSignal?: AbortSignal,
  ): Promise<{ stream: Readable; offsetBytes: number }> {
    const what = `${repositoryName(reference)}: blob ${descriptor.digest}`
    const { sizeBytes, urls = [] } = descriptor
    try {
      const stream = await this.#openFrom(0, reference, descriptor, offsetBytes, userSignal)
      return { stream, offsetBytes }
    } catch (error) {
      // Layers that a registry must not pass on lie elsewhere.
      if (urls.length === 0 || !hasCode(error, 'NOT_FOUND')) throw error
    }
    const signal = this.#until(userSignal)
    const stream = await openForeignBlob({
      ...{ urls, sizeBytes, offsetBytes, what, signal },
      send: (request, operand, budget) => sendPatiently(this.#transport, request, operand, budget),
      budget: () => this.#budget(signal),
    })
    return { stream, offsetBytes }
  }

  /** A blob from the servers from one on; those behind it go on where it cannot. */
  #openFrom(
    firstServer: number,
    reference: Reference,
    descriptor: Descriptor,
    offsetBytes: number,
    userSignal: AbortSignal | undefined,
  ): Promise<Readable> {
    const what = `${repositoryName(reference)}: blob ${descriptor.digest}`
    const path = `/${reference.repository}/blobs/${descriptor.digest}`
    const { sizeBytes } = descriptor
    const attempt: Attempt<Readable> = (send, operand, budget, signal, nextServer) => {
      const request = (headers: Readonly<Record<string, string>>): Promise<HttpResponse> =>
        send({ method: 'GET', path, headers })
      const goOn =
        nextServer === undefined
          ? undefined
          : (offset: number) =>
              this.#openFrom(nextServer, reference, descriptor, offset, userSignal)
      return openBlobStream({ sizeBytes, offsetBytes, request, operand, budget, signal, goOn })
    }
    return this.#ask(reference, 'pull', what, userSignal, attempt, firstServer)
  }

  /**
   * Prove a login to a registry itself, not to its mirrors.
   *
   * @returns  what to save
   * @throws   UNAUTHORIZED, UNAVAILABLE
   */
  async checkLogin(
    registry: string,
    login: ProvableLogin,
    signal: AbortSignal = this.#closing.signal,
  ): Promise<ProvableLogin> {
    const endpoint = await registryEndpoint(registry, this.#endpointOptions)
    try {
      const base = await this.#baseOf(endpoint, signal)
      const send = (request: HttpRequest): Promise<HttpResponse> =>
        this.#sendToTokenService(request)
      const budget = this.#budget(signal)
      const transport = this.#transport
      return await checkLogin({ transport, endpoint, base, registry, send, budget, signal }, login)
    } catch (error) {
      signal.throwIfAborted()
      throw connectionError(endpoint.host, error)
    }
  }

  /**
   * Speak to the server that takes pushes to a repository: the first that has the capability.
   *
   * @throws  FAILED_PRECONDITION if none takes them, UNAVAILABLE
   */
  async openPush(reference: Reference, userSignal?: AbortSignal): Promise<PushChannel> {
    const signal = this.#until(userSignal)
    const endpoints = await this.#endpointsFor(reference)
    const endpoint = endpoints.find(({ capabilities }) => capabilities.has('push'))
    if (endpoint === undefined) throw summary([], repositoryName(reference), 'push')
    try {
      return openPushChannel({
        ...{ endpoint, reference, signal },
        base: await this.#baseOf(endpoint, signal),
        transport: this.#transport,
        authorizer: this.#authorizer,
        retryPolicy: this.#options.retryPolicy ?? defaultRetryPolicy,
      })
    } catch (error) {
      signal.throwIfAborted()
      throw connectionError(endpoint.host, error)
    }
  }

  /** Close all connections and end what is under way. */
  close(): void {
    this.#closing.abort(new TsctrError('UNAVAILABLE', 'registry client: closed'))
    this.#transport.close()
  }

  /** Try the registry's servers in their order until one has what is asked for. */
  async #ask<T>(
    reference: Reference,
    capability: Capability,
    what: string,
    userSignal: AbortSignal | undefined,
    attempt: Attempt<T>,
    firstServer = 0,
  ): Promise<T> {
    const { registry, repository } = reference
    const signal = this.#until(userSignal)
    const failures: TsctrError[] = []
    const all = await this.#endpointsFor(reference)
    const endpoints = all.filter(({ capabilities }) => capabilities.has(capability))
    for (const [index, endpoint] of endpoints.entries()) {
      const next = index + 1 < endpoints.length ? index + 1 : undefined
      if (index < firstServer || (next !== undefined && this.#failing.has(endpoint))) continue
      const { isMirror, host } = endpoint
      const operand = { what, registry: isMirror ? host : registry, host }
      const budget = this.#budget(signal, next === undefined ? undefined : triesBeforeNext)
      const access: Access = { repository: endpoint.repository, actions: 'pull' }
      const send: Send = async (request) => {
        const path = `/${endpoint.repository}${request.path.slice(1 + repository.length)}`
        return sendToEndpoint(
          this.#transport,
          this.#authorizer,
          endpoint,
          await this.#baseOf(endpoint, signal),
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
  #until(userSignal: AbortSignal | undefined): AbortSignal {
    const { signal } = this.#closing
    return userSignal === undefined ? signal : AbortSignal.any([userSignal, signal])
  }

  #budget(signal: AbortSignal, maxTries?: number): RetryBudget {
    const policy = this.#options.retryPolicy ?? defaultRetryPolicy
    return new RetryBudget(maxTries === undefined ? policy : { ...policy, maxTries }, signal)
  }

  #endpointsFor(reference: Reference): Promise<readonly Endpoint[]> {
    const key = `${repositoryName(reference)} ${reference.digest !== undefined}`
    const known = this.#endpoints.get(key)
    const endpoints = known ?? endpointsFor(reference, this.#endpointOptions)
    this.#endpoints.set(key, endpoints)
    return endpoints
  }

  #sendToTokenService(request: HttpRequest): Promise<HttpResponse> {
    // Several requests wait for one token: it ends with the client, not with one of them.
    const { signal } = this.#closing
    const { host } = request.url
    const operand = { what: `token service ${host}`, registry: host, host }
    return sendPatiently(this.#transport, { ...request, signal }, operand, this.#budget(signal))
  }

  /** An endpoint's base once it is known whether it speaks TLS. */
  #baseOf(endpoint: Endpoint, signal: AbortSignal): Promise<URL> {
    if (!endpoint.mayBePlain) return Promise.resolve(endpoint.base)
    const known = this.#bases.get(endpoint)
    if (known !== undefined) return known
    const base = settleScheme(this.#transport, endpoint, signal)
    this.#bases.set(endpoint, base)
    base.catch(() => this.#bases.delete(endpoint))
    return base
  }
}
