import { posix, resolve } from 'node:path'
import { TsctrError } from '../../errors.ts'
import { parseVolumeName } from '../../volume/volume-name.ts'
import { checkVolumeOptions } from '../../volume/volume-options.ts'
import type { BindMount, ConfiguredMount, TmpfsMount, VolumeMount } from '../config.ts'
import { keyValues } from './key-values.ts'
import { parseSize } from './size.ts'
import { containerPath, propagations } from './volume.ts'

/**
 * `type=bind|volume|tmpfs,source=…,target=…` of --mount, as comma-separated values: a field may stand in quotes.
 *
 * @param cwd  what a relative source is relative to
 * @throws     INVALID_ARGUMENT
 * Source: docker run --mount
 */
export function parseMount(text: string, cwd: string): ConfiguredMount {
  const fields = new Map<string, string>()
  const lists = new Map<string, string[]>([...repeatable].map((key) => [key, []]))
  for (const field of splitFields(text)) {
    const [typed = '', value] = field.split(/=(.*)/s)
    const key = aliases.get(typed.toLowerCase()) ?? typed.toLowerCase()
    if (value === undefined && !booleans.has(key)) throw invalid(text, `${typed} lacks a value`)
    lists.get(key)?.push(value ?? '')
    fields.set(key, value ?? 'true')
  }
  const type = take(fields, 'type') ?? 'volume'
  const source = take(fields, 'source')
  if (type !== 'bind' && type !== 'tmpfs' && type !== 'volume')
    throw invalid(text, `type ${type} is unknown`)
  const target = take(fields, 'target')
  if (target === undefined) throw invalid(text, 'target is missing')
  const isReadOnly = takeBoolean(fields, 'readonly', text)
  const consistency = take(fields, 'consistency') ?? 'default'
  // A promise about virtual machines: on Linux each is kept by doing nothing.
  if (!consistencies.includes(consistency)) {
    throw invalid(text, `consistency ${consistency} is unknown`)
  }
  const common = { source, target: containerPath(target, text), isReadOnly }
  const mount =
    type === 'bind'
      ? bindMount({ ...common, cwd }, fields, text)
      : type === 'volume'
        ? volumeMount({ ...common, lists }, fields, text)
        : tmpfsMount(common, fields, text)
  const [unknown] = fields.keys()
  if (unknown !== undefined) throw invalid(text, `${unknown} is unknown for type=${type}`)
  return mount
}

/**
 * `PATH[:OPTION,…]` of --tmpfs.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker run --tmpfs; tmpfs(5), mount(8)
 */
export function parseTmpfs(text: string): TmpfsMount {
  const [path = '', list = ''] = text.split(/:(.*)/s)
  const options = list === '' ? [] : list.split(',')
  const unknown = options.find((option) => !isTmpfsOption(option))
  if (unknown !== undefined) throw invalid(text, `option ${unknown} is unknown`)
  return { type: 'tmpfs', target: containerPath(path, text), options }
}

const aliases: ReadonlyMap<string, string> = new Map([
  ['src', 'source'],
  ['dst', 'target'],
  ['destination', 'target'],
  ['ro', 'readonly'],
])
const booleans: ReadonlySet<string> = new Set(['readonly', 'bind-nonrecursive', 'volume-nocopy'])

/** Given any number of times. */
const repeatable: ReadonlySet<string> = new Set(['volume-opt', 'volume-label'])
const consistencies = ['default', 'consistent', 'cached', 'delegated']

interface CommonFields {
  readonly source: string | undefined
  readonly target: string
  readonly isReadOnly: boolean
}

function bindMount(
  common: CommonFields & { readonly cwd: string },
  fields: Map<string, string>,
  text: string,
): BindMount {
  const { source, target, isReadOnly, cwd } = common
  if (source === undefined) throw invalid(text, 'source is missing')
  const wanted = take(fields, 'bind-propagation') ?? 'rprivate'
  const propagation = propagations.find((known) => known === wanted)
  if (propagation === undefined) throw invalid(text, `bind-propagation ${wanted} is unknown`)
  const isFlat = takeBoolean(fields, 'bind-nonrecursive', text)
  const recursion = take(fields, 'bind-recursive') ?? (isFlat ? 'disabled' : 'enabled')
  const reach = readOnlyReaches.get(recursion)
  if (reach === undefined) throw invalid(text, `bind-recursive ${recursion} is unknown`)
  if (reach === 'all' && !isReadOnly) throw invalid(text, 'bind-recursive=readonly needs readonly')
  return {
    type: 'bind',
    source: resolve(cwd, source),
    target,
    isReadOnly,
    propagation,
    isRecursive: recursion !== 'disabled',
    readOnlyReach: reach,
    createsSource: false,
  }
}

const readOnlyReaches: ReadonlyMap<string, BindMount['readOnlyReach']> = new Map([
  ['enabled', 'best'],
  ['disabled', 'top'],
  ['writable', 'top'],
  ['readonly', 'all'],
])

function volumeMount(
  common: CommonFields & { readonly lists: ReadonlyMap<string, readonly string[]> },
  fields: Map<string, string>,
  text: string,
): VolumeMount {
  const { source, target, isReadOnly, lists } = common
  const driver = take(fields, 'volume-driver') ?? 'local'
  if (driver !== 'local') throw invalid(text, `volume-driver ${driver} is unknown, local is not`)
  const subpath = take(fields, 'volume-subpath')
  if (subpath !== undefined && !isLocal(subpath)) {
    throw invalid(text, 'volume-subpath must be a relative path inside the volume')
  }
  const driverOptions = takeList(fields, lists, 'volume-opt', text)
  const labels = takeList(fields, lists, 'volume-label', text)
  if (driverOptions !== undefined) checkVolumeOptions(driverOptions)
  return {
    type: 'volume',
    name: source === undefined ? undefined : parseVolumeName(source),
    isAnonymous: source === undefined,
    target,
    isReadOnly,
    isNotFilled: takeBoolean(fields, 'volume-nocopy', text),
    isFromVolumeFlag: false,
    ...(subpath === undefined ? {} : { subpath }),
    ...(driverOptions === undefined ? {} : { driverOptions }),
    ...(labels === undefined ? {} : { labels }),
  }
}

/** Source: Go filepath.IsLocal, which moby asks */
function isLocal(path: string): boolean {
  return path !== '' && !path.startsWith('/') && !/^\.\.(\/|$)/.test(posix.normalize(path))
}

function takeList(
  fields: Map<string, string>,
  lists: ReadonlyMap<string, readonly string[]>,
  key: string,
  text: string,
): Record<string, string> | undefined {
  if (take(fields, key) === undefined) return undefined
  const entries = lists.get(key) ?? []
  const broken = entries.find((entry) => entry === '' || entry.startsWith('='))
  if (broken !== undefined) throw invalid(text, `${key}=${broken} must be ${key}=NAME=VALUE`)
  return keyValues(entries)
}

function tmpfsMount(common: CommonFields, fields: Map<string, string>, text: string): TmpfsMount {
  if (common.source !== undefined) throw invalid(text, 'source means nothing for type=tmpfs')
  const size = take(fields, 'tmpfs-size')
  const mode = take(fields, 'tmpfs-mode')
  if (mode !== undefined && !/^[0-7]{1,4}$/.test(mode)) throw invalid(text, 'tmpfs-mode is octal')
  return {
    type: 'tmpfs',
    target: common.target,
    options: [
      ...(common.isReadOnly ? ['ro'] : []),
      ...(size === undefined ? [] : [`size=${parseSize(size)}`]),
      ...(mode === undefined ? [] : [`mode=${mode}`]),
    ],
    isFromMountFlag: true,
  }
}

// In pairs: what the kernel knows and its opposite.
const tmpfsFlags = [
  ...['ro', 'rw', 'exec', 'noexec', 'suid', 'nosuid', 'dev', 'nodev', 'sync', 'async'],
  ...['atime', 'noatime', 'diratime', 'nodiratime', 'relatime', 'norelatime', 'strictatime'],
]

function isTmpfsOption(option: string): boolean {
  if (tmpfsFlags.includes(option)) return true
  return /^(size=\d+[kmg%]?|nr_(inodes|blocks)=\d+[kmg]?|mode=[0-7]{1,4}|[ug]id=\d+)$/i.test(option)
}

/** Fields as encoding/csv has them: quotes around a whole field, doubled inside. */
function splitFields(text: string): string[] {
  const fields: string[] = []
  const form = /"((?:[^"]|"")*)"(?:,|$)|([^",]*)(?:,|$)/y
  while (form.lastIndex < text.length) {
    const match = form.exec(text)
    if (match === null) throw invalid(text, 'a quote stands alone')
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
  }
  return fields
}

function take(fields: Map<string, string>, key: string): string | undefined {
  const value = fields.get(key)
  fields.delete(key)
  return value
}

function takeBoolean(fields: Map<string, string>, key: string, text: string): boolean {
  const value = take(fields, key) ?? 'false'
  if (['true', '1'].includes(value)) return true
  if (['false', '0'].includes(value)) return false
  throw invalid(text, `${key} must be true or false`)
}

function invalid(text: string, problem: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: ${problem}`)
}
