import http from 'node:http'
import https from 'node:https'
import { BlockList, isIP } from 'node:net'
import tls from 'node:tls'
import { trustedCas } from './trusted-cas.ts'

/** How a host proves who it is, and we to it. */
export interface TlsSettings {
  /** PEM texts trusted besides the machine's own. */
  readonly cas: readonly string[]
  readonly clientCertificate: { readonly cert: string; readonly key: string } | undefined
  /** Talk to whoever answers. */
  readonly skipsVerify: boolean
}

export const defaultTls: TlsSettings = { cas: [], clientCertificate: undefined, skipsVerify: false }

const anonymous = new WeakMap<TlsSettings, TlsSettings>()

/** The same settings without our own certificate; always the same object, as agents go by it. */
export function anonymousTls(settings: TlsSettings): TlsSettings {
  if (settings.clientCertificate === undefined) return settings
  const made = anonymous.get(settings) ?? { ...settings, clientCertificate: undefined }
  anonymous.set(settings, made)
  return made
}

/** Connections that are kept for the next request, by what was agreed on TLS. */
export class AgentPool {
  readonly #env: NodeJS.ProcessEnv
  readonly #agents = new Map<TlsSettings | 'plain', Map<string, http.Agent>>()

  /** @param env  where HTTP_PROXY, HTTPS_PROXY and NO_PROXY are looked up */
  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env
  }

  /** The agent for a URL. A proxy never stands between this machine and itself. */
  agentFor(url: URL, settings: TlsSettings, dialTimeoutMs?: number): http.Agent {
    const key = url.protocol === 'https:' ? settings : 'plain'
    const kinds = this.#agents.get(key) ?? new Map<string, http.Agent>()
    this.#agents.set(key, kinds)
    const isDirect = isLoopback(url.hostname)
    const kind = `${isDirect} ${dialTimeoutMs}`
    const agent = kinds.get(kind) ?? makeAgent(key, isDirect ? {} : this.#env, dialTimeoutMs)
    kinds.set(kind, agent)
    return agent
  }

  close(): void {
    for (const kinds of this.#agents.values()) for (const agent of kinds.values()) agent.destroy()
    this.#agents.clear()
  }
}

function makeAgent(
  key: TlsSettings | 'plain',
  proxyEnv: NodeJS.ProcessEnv,
  dialTimeoutMs: number | undefined,
): http.Agent {
  const options = { keepAlive: true, proxyEnv }
  const agent =
    key === 'plain' ? new http.Agent(options) : new https.Agent({ ...options, ...tlsOptions(key) })
  if (dialTimeoutMs !== undefined) limitDialing(agent, dialTimeoutMs)
  return agent
}

function tlsOptions(settings: TlsSettings): https.AgentOptions {
  const { cert, key } = settings.clientCertificate ?? {}
  return {
    rejectUnauthorized: !settings.skipsVerify,
    // One context for all connections: reading the bundle takes 12 ms each time.
    secureContext: tls.createSecureContext({
      ...(settings.skipsVerify ? {} : { ca: [...trustedCas(), ...settings.cas] }),
      ...(cert === undefined ? {} : { cert, key }),
    }),
  }
}

function limitDialing(agent: http.Agent, dialTimeoutMs: number): void {
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback)
    const timer = setTimeout(() => {
      const error: NodeJS.ErrnoException = new Error(
        `no connection within ${dialTimeoutMs / 1000} s`,
      )
      error.code = 'EHOSTUNREACH'
      socket?.destroy(error)
    }, dialTimeoutMs)
    socket?.once('connect', () => clearTimeout(timer)).once('close', () => clearTimeout(timer))
    return socket
  }
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

const linkLocal = new BlockList()
linkLocal.addSubnet('169.254.0.0', 16, 'ipv4')
linkLocal.addSubnet('fe80::', 10, 'ipv6')

/** Whether a URL's host is this machine: `localhost`, 127.0.0.0/8, ::1. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || isIn(loopback, hostname)
}

/** Whether a URL's host is where clouds keep their machines' secrets. */
export function isLinkLocal(hostname: string): boolean {
  return isIn(linkLocal, hostname)
}

function isIn(list: BlockList, hostname: string): boolean {
  const address = hostname.replace(/^\[(.*)\]$/, '$1')
  const version = isIP(address)
  return version !== 0 && list.check(address, version === 4 ? 'ipv4' : 'ipv6')
}
