import { TsctrError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import { asObject, field, type JsonObject, optionalString } from '../oci/json-document.ts'
import { booleanField, inFile, invalid, parseToml, readText, strings } from './toml-table.ts'

/** Where a repository is to be had. */
export interface Place {
  /** With its port if it has one. */
  readonly host: string
  readonly repository: string
  /** It may speak plain HTTP and show any certificate. */
  readonly isInsecure: boolean
  readonly isMirror: boolean
}

export interface RegistryRule {
  /** Mirrors in order, then the registry's own place. */
  placesFor(repository: string): Place[]
}

/** One `[[registry]]`, and the file it stands in. */
interface RegistryTable {
  readonly path: string
  /** `reg.example`, `reg.example/team`, `*.example`. */
  readonly prefix: string
  readonly location: string | undefined
  readonly isInsecure: boolean
  readonly isBlocked: boolean
  readonly mirrors: readonly MirrorTable[]
}

interface MirrorTable {
  readonly location: string
  readonly isInsecure: boolean
  readonly pulls: 'all' | 'digest-only' | 'tag-only'
}

/**
 * What podman's configuration says of a repository: the table with the longest prefix counts.
 * Search lists and aliases are not read: a short name is always Docker Hub's.
 *
 * @param files  in reading order; a table replaces an earlier one with the same prefix
 * @throws       FAILED_PRECONDITION for a blocked registry, and naming what cannot be understood
 * Source: containers-registries.conf(5)
 */
export async function findRegistryRule(
  target: { readonly registry: string; repository: string; digest: Digest | undefined },
  files: readonly string[],
): Promise<RegistryRule | undefined> {
  const { registry, repository, digest } = target
  const tables = new Map<string, RegistryTable>()
  for (const path of files) {
    for (const table of await readTables(path)) tables.set(table.prefix, table)
  }
  const name = `${registry}/${repository}`
  const [table] = [...tables.values()]
    .filter(({ prefix }) => matchedLength(name, prefix) > 0)
    .sort((a, b) => b.prefix.length - a.prefix.length)
  if (table === undefined) return undefined
  if (table.isBlocked) {
    throw new TsctrError('FAILED_PRECONDITION', `registry ${table.prefix}: blocked`, {
      hint: `see ${table.path}`,
    })
  }
  const skipped = digest === undefined ? 'digest-only' : 'tag-only'
  return {
    placesFor: (wanted) => {
      const full = `${registry}/${wanted}`
      const rest = full.slice(matchedLength(full, table.prefix))
      const mirrors = table.mirrors.filter(({ pulls }) => pulls !== skipped)
      const own = table.location === undefined ? full : `${table.location}${rest}`
      return [
        ...mirrors.map((each) => place(`${each.location}${rest}`, each.isInsecure, true)),
        place(own, table.isInsecure, false),
      ]
    },
  }
}

function place(name: string, isInsecure: boolean, isMirror: boolean): Place {
  const slash = name.indexOf('/')
  const host = slash < 0 ? name : name.slice(0, slash)
  return { host, repository: slash < 0 ? '' : name.slice(slash + 1), isInsecure, isMirror }
}

/** How much of a name a prefix covers; 0 where it does not. */
function matchedLength(name: string, prefix: string): number {
  if (prefix.startsWith('*.')) {
    const host = name.split('/', 1)[0] ?? ''
    return host.endsWith(prefix.slice(1)) ? host.length : 0
  }
  return `${name}/`.startsWith(`${prefix}/`) ? prefix.length : 0
}

async function readTables(path: string): Promise<RegistryTable[]> {
  const text = readText(path)
  // Most of these files only have aliases: they are not worth a parser.
  if (text === undefined || !/^\s*(?:\[+\s*)?["']?registr/m.test(text)) return []
  const document = await parseToml(text, path)
  try {
    const tables = field(document, 'registry')
    if (tables !== undefined && !Array.isArray(tables))
      throw invalid('registry must be [[registry]]')
    return [...oldTables(document, path), ...(tables ?? []).map((table) => readTable(table, path))]
  } catch (error) {
    throw inFile(path, error)
  }
}

function readTable(value: unknown, path: string): RegistryTable {
  const table = asObject(value, 'registry')
  const location = locationField(table, 'location', 'registry')
  const prefix = locationField(table, 'prefix', 'registry') ?? location
  if (prefix === undefined) throw invalid('registry: has neither prefix nor location')
  const what = `registry ${JSON.stringify(prefix)}`
  if (location === undefined && !prefix.startsWith('*.')) throw invalid(`${what}: has no location`)
  const mirrors = field(table, 'mirror') ?? []
  if (!Array.isArray(mirrors)) throw invalid(`${what}: mirror must be [[registry.mirror]]`)
  const isByDigestOnly = booleanField(table, 'mirror-by-digest-only', what) ?? false
  return {
    path,
    prefix,
    location,
    isInsecure: booleanField(table, 'insecure', what) ?? false,
    isBlocked: booleanField(table, 'blocked', what) ?? false,
    mirrors: mirrors.map((mirror) => readMirror(mirror, `${what}: mirror`, isByDigestOnly)),
  }
}

function readMirror(value: unknown, what: string, isByDigestOnly: boolean): MirrorTable {
  const table = asObject(value, what)
  const location = locationField(table, 'location', what)
  if (location === undefined) throw invalid(`${what}: has no location`)
  const isInsecure = booleanField(table, 'insecure', what) ?? false
  const pulls = optionalString(table, 'pull-from-mirror', what) || 'all'
  if (pulls !== 'all' && pulls !== 'digest-only' && pulls !== 'tag-only') {
    const words = 'is not one of all, digest-only, tag-only'
    throw invalid(`${what}: pull-from-mirror: ${JSON.stringify(pulls)} ${words}`)
  }
  return { location, isInsecure, pulls: isByDigestOnly ? 'digest-only' : pulls }
}

/** The form before `[[registry]]`: lists of what is insecure and what is blocked. */
function oldTables(document: JsonObject, path: string): RegistryTable[] {
  const registries = field(document, 'registries')
  if (registries === undefined) return []
  const list = (name: string): string[] => {
    const table = field(asObject(registries, 'registries'), name)
    if (table === undefined) return []
    const what = `registries.${name}`
    return strings(field(asObject(table, what), 'registries') ?? [], what)
  }
  const blocked = list('block')
  const insecure = list('insecure')
  return [...new Set([...insecure, ...blocked])].map((prefix) => ({
    path,
    prefix,
    location: prefix,
    isInsecure: insecure.includes(prefix),
    isBlocked: blocked.includes(prefix),
    mirrors: [],
  }))
}

function locationField(table: JsonObject, key: string, what: string): string | undefined {
  const text = optionalString(table, key, what)?.replace(/\/+$/, '')
  if (text === undefined || text === '') return undefined
  if (/^[a-z]+:\/\//i.test(text))
    throw invalid(`${what}: ${key}: must be without http:// or https://`)
  const host = text.split('/', 1)[0] ?? ''
  if (URL.canParse(`https://${host.replace(/^\*\./, '')}`)) return text
  throw invalid(`${what}: ${key}: ${JSON.stringify(text)} has no host`)
}
