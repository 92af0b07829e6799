import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isErrno, TsctrError } from '../errors.ts'
import { asObject, field, type JsonObject, optionalString } from '../oci/json-document.ts'
import { defaultTls, type TlsSettings } from './agents.ts'
import type { Capability, EndpointSettings } from './endpoints.ts'

/** What a hosts directory says of one registry. */
export interface HostsFile {
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
      return (
        (await readHostsToml(directory)) ?? { mirrors: [], server: { tls: dockerTls(directory) } }
      )
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
  const { parse } = await import('smol-toml')
  let document: JsonObject
  try {
    document = parse(text)
  } catch (error) {
    const [firstLine = ''] = (error as Error).message.split('\n')
    throw new TsctrError('FAILED_PRECONDITION', `${path}: ${firstLine}`)
  }
  try {
    const hosts = field(document, 'host')
    const tables = Object.entries(hosts === undefined ? {} : asObject(hosts, 'host'))
    return {
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
    if (!(error instanceof TsctrError)) throw error
    throw new TsctrError('FAILED_PRECONDITION', `${path}: ${error.message}`)
  }
}

function settings(table: JsonObject, directory: string, what: string): EndpointSettings {
  return {
    capabilities: capabilities(table, what),
    headers: headers(table, what),
    overridesPath: booleanField(table, 'override_path', what),
    tls: tlsSettings(table, directory, what),
  }
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

/** A directory as docker has it: `*.crt` to trust, `*.cert` with `*.key` to show. */
function dockerTls(directory: string): TlsSettings {
  const names = readdirSync(directory).sort()
  const read = (name: string): string => requireText(join(directory, name))
  const cert = names.find((name) => name.endsWith('.cert'))
  const cas = names.filter((name) => name.endsWith('.crt')).map(read)
  if (cert === undefined) return { ...defaultTls, cas }
  const key = cert.replace(/\.cert$/, '.key')
  return { ...defaultTls, cas, clientCertificate: { cert: read(cert), key: read(key) } }
}

function strings(value: unknown, what: string): string[] {
  const list = Array.isArray(value) ? value : [value]
  if (list.every((item) => typeof item === 'string')) return list
  throw invalid(`${what}: must be a string or a list of strings`)
}

function booleanField(table: JsonObject, key: string, what: string): boolean | undefined {
  const value = field(table, key)
  if (value === undefined || typeof value === 'boolean') return value
  throw invalid(`${what}: ${key} must be true or false`)
}

function requireText(path: string): string {
  const text = readText(path)
  if (text === undefined) throw new TsctrError('FAILED_PRECONDITION', `${path}: no such file`)
  return text
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    if (!isErrno(error, 'EACCES', 'EISDIR')) throw error
    throw new TsctrError('FAILED_PRECONDITION', `${path}: cannot be read`, { cause: error })
  }
}

function invalid(message: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', message)
}
