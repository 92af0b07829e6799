import { TsctrError } from '../errors.ts'
import { type DiffID, parseDigest } from './digest.ts'
import {
  asObject,
  field,
  type JsonObject,
  optionalArray,
  optionalString,
  optionalStringList,
  optionalStringMap,
  parseJsonObject,
} from './json-document.ts'
import type { Platform } from './platform.ts'

/** What an image says of itself. Keys that a container sees as text stay Maps and lists. */
export interface ImageConfig {
  readonly platform: Platform
  /** RFC 3339, as written. */
  readonly created: string | undefined
  readonly author: string | undefined
  readonly diffIDs: readonly DiffID[]
  /** Oldest first. */
  readonly history: readonly ImageHistoryEntry[]
  /** Defaults for containers of the image. */
  readonly process: ImageProcessConfig
}

export interface ImageHistoryEntry {
  readonly created: string | undefined
  readonly createdBy: string | undefined
  readonly author: string | undefined
  readonly comment: string | undefined
  readonly isEmptyLayer: boolean
}

/** The `config` part. Source: OCI image-spec §config.md#properties; docker image spec v1.2 */
export interface ImageProcessConfig {
  /** Empty for root. */
  readonly user: string
  /** `NAME=value`, in the document's order. */
  readonly env: readonly string[]
  readonly entrypoint: readonly string[] | undefined
  readonly cmd: readonly string[] | undefined
  /** Empty for `/`. */
  readonly workingDir: string
  readonly labels: ReadonlyMap<string, string>
  /** `80/tcp` */
  readonly exposedPorts: readonly string[]
  /** Paths in the container. */
  readonly volumes: readonly string[]
  readonly stopSignal: string | undefined
  readonly shell: readonly string[] | undefined
  readonly onBuild: readonly string[] | undefined
  readonly healthcheck: ImageHealthcheck | undefined
}

export interface ImageHealthcheck {
  /** `NONE`, or `CMD` and its arguments, or `CMD-SHELL` and one command line; empty inherits. */
  readonly test: readonly string[]
  readonly intervalNs: number | undefined
  readonly timeoutNs: number | undefined
  readonly startPeriodNs: number | undefined
  readonly startIntervalNs: number | undefined
  readonly retries: number | undefined
}

/**
 * Read an image config document.
 *
 * @param what  the operand for error messages, `config sha256:ab12…`
 * @throws      INVALID_ARGUMENT for anything of another type than the specification gives it
 * Source: OCI image-spec §config.md
 */
export function parseImageConfig(bytes: Buffer, what: string): ImageConfig {
  const document = parseJsonObject(bytes, what)
  const osFeatures = optionalStringList(document, 'os.features', what)
  return {
    platform: {
      os: optionalString(document, 'os', what) ?? 'linux',
      architecture: optionalString(document, 'architecture', what) ?? '',
      variant: optionalString(document, 'variant', what) || undefined,
      osVersion: optionalString(document, 'os.version', what) || undefined,
      ...(osFeatures === undefined ? {} : { osFeatures }),
    },
    created: optionalString(document, 'created', what),
    author: optionalString(document, 'author', what),
    diffIDs: parseDiffIDs(document, what),
    history: (optionalArray(document, 'history', what) ?? []).map((entry, index) =>
      parseHistoryEntry(asObject(entry, `${what}: history[${index}]`), what),
    ),
    process: parseProcess(optionalObject(document, 'config', what), what),
  }
}

/** What an image without a config part, or a bare root filesystem, says. */
export const emptyImageProcess: ImageProcessConfig = {
  user: '',
  env: [],
  entrypoint: undefined,
  cmd: undefined,
  workingDir: '',
  labels: new Map(),
  exposedPorts: [],
  volumes: [],
  stopSignal: undefined,
  shell: undefined,
  onBuild: undefined,
  healthcheck: undefined,
}

function parseDiffIDs(document: JsonObject, what: string): DiffID[] {
  const rootfs = optionalObject(document, 'rootfs', what)
  const list = optionalArray(rootfs, 'diff_ids', `${what}: rootfs`) ?? []
  return list.map((digest) => parseDigest(digest) as DiffID)
}

function parseHistoryEntry(entry: JsonObject, what: string): ImageHistoryEntry {
  return {
    created: optionalString(entry, 'created', what),
    createdBy: optionalString(entry, 'created_by', what),
    author: optionalString(entry, 'author', what),
    comment: optionalString(entry, 'comment', what),
    isEmptyLayer: field(entry, 'empty_layer') === true,
  }
}

function parseProcess(config: JsonObject, what: string): ImageProcessConfig {
  return {
    user: optionalString(config, 'User', what) ?? '',
    env: optionalStringList(config, 'Env', what) ?? [],
    entrypoint: optionalStringList(config, 'Entrypoint', what),
    cmd: optionalStringList(config, 'Cmd', what),
    workingDir: optionalString(config, 'WorkingDir', what) ?? '',
    labels: optionalStringMap(config, 'Labels', what) ?? new Map(),
    exposedPorts: Object.keys(optionalObject(config, 'ExposedPorts', what)),
    volumes: Object.keys(optionalObject(config, 'Volumes', what)),
    stopSignal: optionalString(config, 'StopSignal', what) || undefined,
    shell: optionalStringList(config, 'Shell', what),
    onBuild: optionalStringList(config, 'OnBuild', what),
    healthcheck: parseHealthcheck(config, what),
  }
}

function parseHealthcheck(config: JsonObject, what: string): ImageHealthcheck | undefined {
  if (field(config, 'Healthcheck') === undefined) return undefined
  const object = optionalObject(config, 'Healthcheck', what)
  const where = `${what}: Healthcheck`
  return {
    test: optionalStringList(object, 'Test', where) ?? [],
    intervalNs: optionalCount(object, 'Interval', where),
    timeoutNs: optionalCount(object, 'Timeout', where),
    startPeriodNs: optionalCount(object, 'StartPeriod', where),
    startIntervalNs: optionalCount(object, 'StartInterval', where),
    retries: optionalCount(object, 'Retries', where),
  }
}

/** An own field that must be an object where it is there at all; `{}` otherwise. */
function optionalObject(object: JsonObject, key: string, what: string): JsonObject {
  const value = field(object, key)
  return value === undefined ? {} : asObject(value, `${what}: ${key}`)
}

/** A number of nanoseconds or times; 0 means "not said", as docker has it. */
function optionalCount(object: JsonObject, key: string, what: string): number | undefined {
  const value = field(object, key)
  if (value === undefined || value === 0) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  throw new TsctrError('INVALID_ARGUMENT', `${what}: ${key} must be a whole number above 0`)
}
