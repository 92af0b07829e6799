import { readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { asObject, field, type JsonObject, optionalString } from '../oci/json-document.ts'
import { defaultTls, type TlsSettings } from './agents.ts'
import type { Capability, EndpointSettings } from './endpoint.ts'
import {
  booleanField,
  inFile,
  invalid,
  parseToml,
  readText,
  requireText,
  strings,
} from './toml-table.ts'

/** What a hosts directory says of one registry. */
export interface HostsFile {
  /** False for a directory as docker has it: it says how to trust, not whom to ask. */
  readonly hasServers: boolean
  readonly mirrors: readonly (EndpointSettings & { readonly url: string })[]
  /** The registry itself; without a URL it is where its name says. */
  readonly server: EndpointSettings & { readonly url?: string | undefined }
}

/**
 * Look a registry up: a directory of its name before `_default`, whichever hosts directory has it.
 *
 * @throws  FAILED_PRECONDITION naming the file and the key that cannot be understood
 * Source: containerd docs/hosts.md; docker §certificates for directories without hosts.toml
 */
export async function findHostsFile(
  registry: string,
  hostsDirs: readonly string[],
): Promise<HostsFile | undefined> {
  for (const name of [...directoryNames(registry), '_default']) {
    for (const hostsDir of hostsDirs) {
      const directory = join(hostsDir, name)
      if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) continue
      const server = (): HostsFile['server'] => ({ tls: dockerTls(directory) })
      const file = await readHostsToml(directory)
      return file ?? { hasServers: false, mirrors: [], server: server() }
    }
  }
  return undefined
}

/** `host_port_` is for file systems that refuse colons; without a port 443 is meant. */
function directoryNames(registry: string): string[] {
  const port = /:(\d+)$/.exec(registry)?.[1]
  const names = port === undefined ? [] : [`${registry.slice(0, -port.length - 1)}_${port}_`]
  names.push(registry)
  if (port === '443') names.push(registry.slice(0, -4))
  return names
}

async function readHostsToml(directory: string): Promise<HostsFile | undefined> {
  const path = join(directory, 'hosts.toml')
  const text = readText(path)
  if (text === undefined) return undefined
  const document = await parseToml(text, path)
  try {
    const hosts = field(document, 'host')
    const tables = Object.entries(hosts === undefined ? {} : asObject(hosts, 'host'))
    return {
      hasServers: true,
      mirrors: tables.map(([url, table]) => {
        const what = `host.${JSON.stringify(url)}`
        return { url, ...settings(asObject(table, what), directory, what) }
      }),
      server: {
        url: optionalString(document, 'server', 'server') || undefined,
        ...settings(document, directory, 'server'),
      },
    }
  } catch (error) {
    throw inFile(path, error)
  }
}

function settings(table: JsonObject, directory: string, what: string): EndpointSettings {
  return {
    capabilities: capabilities(table, what),
    headers: headers(table, what),
    overridesPath: booleanField(table, 'override_path', what),
    tls: tlsSettings(table, directory, what),
    dialTimeoutMs: dialTimeoutMs(table, what),
  }
}

const unitMs: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
])

/** A Go duration: `5s`, `1m30s`, `250ms`. */
function dialTimeoutMs(table: JsonObject, what: string): number | undefined {
  const text = optionalString(table, 'dial_timeout', what)
  if (text === undefined) return undefined
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(text)) {
    throw invalid(`${what}: dial_timeout: ${JSON.stringify(text)} is not a duration such as 5s`)
  }
  const parts = text.matchAll(/([\d.]+)([a-z]+)/g)
  return [...parts].reduce((sum, [, n, unit = '']) => sum + Number(n) * (unitMs.get(unit) ?? 0), 0)
}

function capabilities(table: JsonObject, what: string): ReadonlySet<Capability> | undefined {
  const value = field(table, 'capabilities')
  if (value === undefined) return undefined
  const names = strings(value, `${what}: capabilities`)
  return new Set(
    names.map((name) => {
      if (name === 'pull' || name === 'resolve' || name === 'push') return name
      throw invalid(
        `${what}: capabilities: ${JSON.stringify(name)} is not one of pull, resolve, push`,
      )
    }),
  )
}

function headers(table: JsonObject, what: string): Record<string, string> {
  const value = field(table, 'header')
  const lines: Record<string, string> = Object.create(null)
  if (value === undefined) return lines
  for (const [name, content] of Object.entries(asObject(value, `${what}: header`))) {
    lines[name] = strings(content, `${what}: header.${name}`).join(', ')
  }
  return lines
}

function tlsSettings(table: JsonObject, directory: string, what: string): TlsSettings | undefined {
  const skipsVerify = booleanField(table, 'skip_verify', what) ?? false
  const caPaths = field(table, 'ca')
  const client = field(table, 'client')
  if (!skipsVerify && caPaths === undefined && client === undefined) return undefined
  const read = (path: string): string => requireText(resolve(directory, path))
  const cas = caPaths === undefined ? [] : strings(caPaths, `${what}: ca`).map(read)
  return { cas, clientCertificate: clientCertificate(client, read, what), skipsVerify }
}

/** `"both.pem"`, `["both.pem"]` or `[["cert.pem", "key.pem"]]`; the first pair is used. */
function clientCertificate(
  value: unknown,
  read: (path: string) => string,
  what: string,
): TlsSettings['clientCertificate'] {
  if (value === undefined) return undefined
  const first: unknown = Array.isArray(value) ? value[0] : value
  const [certPath, keyPath] = strings(first, `${what}: client`)
  if (certPath === undefined) throw invalid(`${what}: client: names no file`)
  return { cert: read(certPath), key: read(keyPath || certPath) }
}

/**
 * A directory as docker has it: `*.crt` to trust, `*.cert` with `*.key` to show.
 *
 * @throws  FAILED_PRECONDITION naming a file that cannot be read
 */
export function dockerTls(directory: string): TlsSettings {
  const names = readdirSync(directory).sort()
  const read = (name: string): string => requireText(join(directory, name))
  const cert = names.find((name) => name.endsWith('.cert'))
  const cas = names.filter((name) => name.endsWith('.crt')).map(read)
  if (cert === undefined) return { ...defaultTls, cas }
  const key = cert.replace(/\.cert$/, '.key')
  return { ...defaultTls, cas, clientCertificate: { cert: read(cert), key: read(key) } }
}
