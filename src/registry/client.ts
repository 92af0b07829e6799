import type { Readable } from 'node:stream'
import { hasCode, TsctrError } from '../errors.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'
import type { JsonObject } from '../oci/json-document.ts'
import { canonicalName, type Reference, repositoryName } from '../oci/reference.ts'
import { defaultTls } from './agents.ts'
import { readApiDocument } from './api-document.ts'
import { openBlobStream } from './blob-stream.ts'
import { checkLogin } from './check-login.ts'
import type { ProvableLogin } from './credentials.ts'
import { openForeignBlob } from './foreign-blob.ts'
import { type FetchedManifest, readManifestAnswer } from './manifest-answer.ts'
import { openPushChannel, type PushChannel } from './push-channel.ts'
import { connectionError, statusError } from './registry-error.ts'
import {
  type Attempt,
  documentTimeoutMs,
  manifestRequest,
  readDocument,
  summary,
} from './server-request.ts'
import { Servers, type ServersOptions } from './servers.ts'
import { sendPatiently } from './session.ts'
import { readTagList } from './tag-list.ts'
import type { HttpRequest, HttpResponse } from './transport.ts'

export type RegistryClientOptions = ServersOptions

/** Speaks the distribution protocol with registries and their mirrors. Source: OCI distribution-spec */
export class RegistryClient {
  readonly #servers: Servers

  constructor(options: RegistryClientOptions) {
    this.#servers = new Servers(options)
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
    return this.#servers.ask(reference, capability, what, signal, async (send, operand, budget) =>
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
    return this.#servers.ask(reference, 'pull', what, signal, async (send, operand, budget) => {
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
    const told = await this.#servers.ask(
      reference,
      'resolve',
      what,
      signal,
      async (send, operand) => {
        const response = await send({ ...request, method: 'HEAD' })
        response.discard()
        if (response.status === 200) return response.header('docker-content-digest')
        if (response.status === 405) return null
        throw await statusError(operand, response)
      },
    )
    if (told?.startsWith('sha256:') === true) return parseDigest(told)
    return (await this.resolve(reference, signal)).descriptor.digest
  }

  /** The tags of a repository, in the registry's order. @throws as readTagList */
  async listTags(reference: Reference, signal?: AbortSignal): Promise<string[]> {
    const what = repositoryName(reference)
    const path = `/${reference.repository}/tags/list`
    return this.#servers.ask(reference, 'resolve', what, signal, (send, operand) =>
      readTagList({
        operand,
        request: (query) =>
          send({ method: 'GET', path, query, headers: {}, totalTimeoutMs: documentTimeoutMs }),
      }),
    )
  }

  /** A document of a web API that is no registry's; nothing of the user's goes there. */
  async fetchApiDocument(url: URL, what: string, userSignal?: AbortSignal): Promise<JsonObject> {
    const signal = this.#servers.until(userSignal)
    const operand = { what, registry: url.host, host: url.host }
    const headers = { Accept: 'application/json' }
    const response = await sendPatiently(
      this.#servers.transport,
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
      this.#servers.budget(signal),
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
    const signal = this.#servers.until(userSignal)
    const stream = await openForeignBlob({
      ...{ urls, sizeBytes, offsetBytes, what, signal },
      send: (request, operand, budget) =>
        sendPatiently(this.#servers.transport, request, operand, budget),
      budget: () => this.#servers.budget(signal),
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
    return this.#servers.ask(reference, 'pull', what, userSignal, attempt, firstServer)
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
    signal: AbortSignal = this.#servers.closed,
  ): Promise<ProvableLogin> {
    const endpoint = await this.#servers.endpointOf(registry)
    try {
      const base = await this.#servers.baseOf(endpoint, signal)
      const send = (request: HttpRequest): Promise<HttpResponse> =>
        this.#servers.sendToTokenService(request)
      const budget = this.#servers.budget(signal)
      const transport = this.#servers.transport
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
    const signal = this.#servers.until(userSignal)
    const endpoints = await this.#servers.endpointsFor(reference)
    const endpoint = endpoints.find(({ capabilities }) => capabilities.has('push'))
    if (endpoint === undefined) throw summary([], repositoryName(reference), 'push')
    try {
      return openPushChannel({
        ...{ endpoint, reference, signal },
        base: await this.#servers.baseOf(endpoint, signal),
        transport: this.#servers.transport,
        authorizer: this.#servers.authorizer,
        retryPolicy: this.#servers.retryPolicy,
      })
    } catch (error) {
      signal.throwIfAborted()
      throw connectionError(endpoint.host, error)
    }
  }

  /** Close all connections and end what is under way. */
  close(): void {
    this.#servers.close()
  }
}
