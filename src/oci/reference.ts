import { TsctrError } from '../errors.ts'
import { type Digest, parseDigest } from './digest.ts'
import { isNameless } from './nameless.ts'

/** Names an image in a registry, with every default filled in. */
export interface Reference {
  /** Host and port as typed, `docker.io` by default; not always the host that answers. */
  readonly registry: string
  /** Path below the registry: `library/redis`. */
  readonly repository: string
  /** `latest` only if the text had neither tag nor digest. */
  readonly tag: string | undefined
  /** Wins over the tag, which then is only for display. */
  readonly digest: Digest | undefined
}

const defaultRegistry = 'docker.io'
const oldDefaultRegistry = 'index.docker.io'
const hubHost = 'registry-1.docker.io'
const officialPrefix = 'library/'

// Far above any real name; keeps hostile text away from the expressions below.
const maxTextLength = 1024
const maxRepositoryLength = 255

const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?'
const hostForm = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::([0-9]+))?$`)
const part = '[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*'
const repositoryForm = new RegExp(`^${part}(?:/${part})*$`)
const tagForm = /^\w[\w.-]{0,127}$/
const imageIdForm = /^[a-f0-9]{64}$/

/**
 * Read a reference as a user types it: `redis`, `redis:alpine`, `localhost:5000/a/b@sha256:…`.
 *
 * @throws  INVALID_ARGUMENT for anything the grammar lacks, UNSUPPORTED for a digest other than sha256
 * Source: distribution/reference ParseNormalizedNamed, TagNameOnly
 */
export function parseReference(text: string): Reference {
  if (text.length > maxTextLength) throw invalid(`${text.slice(0, 60)}…`, 'too long')
  if (imageIdForm.test(text)) {
    throw invalid(text, 'cannot specify 64-byte hexadecimal strings')
  }
  const { registry, rest } = splitRegistry(text)
  const { repository, tag, digestText } = splitRest(rest)
  checkRegistry(text, registry)
  checkRepository(text, repository)
  if (tag !== undefined && !tagForm.test(tag)) throw invalid(text, 'bad tag')
  const digest = digestText === undefined ? undefined : parseDigest(digestText)
  const needsDefaultTag = tag === undefined && digest === undefined
  return { registry, repository, tag: needsDefaultTag ? 'latest' : tag, digest }
}

/**
 * Read a registry as a user names it to log in: `ghcr.io`, `https://reg.example:5000/v2/`, any of
 * Docker Hub's addresses.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker/cli credentials.ConvertToHostname
 */
export function parseRegistry(text: string): string {
  const [host = ''] = text.replace(/^https?:\/\//, '').split('/')
  if (host === defaultRegistry || host === oldDefaultRegistry || host === hubHost) {
    return defaultRegistry
  }
  if (text.length > maxTextLength || !isRegistryHost(host)) {
    const shown = printable(text.slice(0, 60))
    throw new TsctrError('INVALID_ARGUMENT', `${shown}: not the host of a registry`)
  }
  return host
}

/** As parseReference, but undefined for what is no reference: an id, perhaps. */
export function tryParseReference(text: string): Reference | undefined {
  try {
    return parseReference(text)
  } catch (error) {
    if (error instanceof TsctrError) return undefined
    throw error
  }
}

/** Whether a reference says neither tag nor digest, so that `latest` is taken. */
export function hasDefaultTag(text: string): boolean {
  const { tag, digestText } = splitRest(splitRegistry(text).rest)
  return tag === undefined && digestText === undefined
}

/** Whether a text may stand after the colon of a reference. */
export function isTag(text: string): boolean {
  return tagForm.test(text)
}

/** `docker.io/library/redis`: what the images of one repository share. */
export function repositoryName(reference: Reference): string {
  return `${reference.registry}/${reference.repository}`
}

/**
 * The name an image is stored under: `docker.io/library/redis:alpine`, or `…/redis@sha256:…`
 * without the tag where there is a digest.
 *
 * Source: distribution/reference ParseDockerRef
 */
export function canonicalName(reference: Reference): string {
  const name = repositoryName(reference)
  if (reference.digest !== undefined) return `${name}@${reference.digest}`
  return reference.tag === undefined ? name : `${name}:${reference.tag}`
}

/** As docker shows it: `redis:alpine`, tag and digest both. Source: distribution/reference FamiliarString */
export function familiarName(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`
  return `${familiarRepository(reference)}${tag}${digest}`
}

/**
 * The repository as docker shows it: `redis`, `me/app`, `ghcr.io/me/app`, `<none>` for what has no
 * name. Source: distribution/reference FamiliarName
 */
export function familiarRepository(reference: Reference): string {
  if (isNameless(reference)) return '<none>'
  if (reference.registry !== defaultRegistry) return repositoryName(reference)
  const name = reference.repository
  const official = name.startsWith(officialPrefix) ? name.slice(officialPrefix.length) : name
  return official.includes('/') ? name : official
}

function splitRegistry(text: string): { registry: string; rest: string } {
  const slash = text.indexOf('/')
  const first = text.slice(0, Math.max(slash, 0))
  const isHost = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase()
  if (slash < 0 || !isHost) return { registry: defaultRegistry, rest: withOfficialPrefix(text) }
  const rest = text.slice(slash + 1)
  if (first !== defaultRegistry && first !== oldDefaultRegistry) return { registry: first, rest }
  return { registry: defaultRegistry, rest: withOfficialPrefix(rest) }
}

function withOfficialPrefix(rest: string): string {
  return rest.includes('/') ? rest : officialPrefix + rest
}

/** The text after the registry: a digest starts at the first `@`, a tag at the first `:` before it. */
function splitRest(rest: string): {
  repository: string
  tag: string | undefined
  digestText: string | undefined
} {
  const at = rest.indexOf('@')
  const name = at < 0 ? rest : rest.slice(0, at)
  const colon = name.indexOf(':')
  return {
    repository: colon < 0 ? name : name.slice(0, colon),
    tag: colon < 0 ? undefined : name.slice(colon + 1),
    digestText: at < 0 ? undefined : rest.slice(at + 1),
  }
}

function checkRegistry(text: string, registry: string): void {
  const match = hostForm.exec(registry)
  if (match === null) throw invalid(text, 'bad registry host')
  const port = match[1]
  if (!isPort(port)) throw invalid(text, `port ${port} is not between 1 and 65535`)
}

function isRegistryHost(host: string): boolean {
  const match = hostForm.exec(host)
  return match !== null && isPort(match[1])
}

/** The reference grammar takes any digits; no connection does. */
function isPort(port: string | undefined): boolean {
  return port === undefined || (Number(port) >= 1 && Number(port) <= 65535)
}

function checkRepository(text: string, repository: string): void {
  if (repository !== repository.toLowerCase()) {
    throw invalid(text, `repository name (${printable(repository)}) must be lowercase`)
  }
  if (!repositoryForm.test(repository)) throw invalid(text, 'bad repository name')
  if (repository.length > maxRepositoryLength) {
    throw invalid(text, `repository name must not be more than ${maxRepositoryLength} characters`)
  }
}

function invalid(text: string, why: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `${printable(text)}: invalid reference format: ${why}`)
}

/** Plain words as they are, anything a terminal could act on quoted. */
function printable(text: string): string {
  return /^[\x21-\x7e]+$/.test(text) ? text : JSON.stringify(text)
}
