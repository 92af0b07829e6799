import { TsctrError } from '../errors.ts'
import { expandWord, splitWords } from '../oci/dockerfile-words.ts'
import { parseSignal } from '../oci/signal.ts'
import { healthcheckOf } from './healthcheck-change.ts'

/**
 * The `config` part of an image's config document: its own keys, those that tsctr does not know
 * among them.
 */
export interface ConfigPart {
  readonly User?: string
  readonly Env?: readonly string[] | null
  readonly Cmd?: readonly string[] | null
  readonly Entrypoint?: readonly string[] | null
  readonly Shell?: readonly string[] | null
  readonly WorkingDir?: string
  readonly StopSignal?: string
  readonly Labels?: Readonly<Record<string, string>> | null
  readonly ExposedPorts?: Readonly<Record<string, object>> | null
  readonly Volumes?: Readonly<Record<string, object>> | null
  readonly OnBuild?: readonly string[] | null
  readonly Healthcheck?: object | null
  readonly [key: string]: unknown
}

/** One Dockerfile instruction, checked. */
export interface ConfigChange {
  readonly instruction: string
  apply(config: ConfigPart): ConfigPart
}

type Apply = ConfigChange['apply']

/** Apply instructions one after the other. */
export function applyConfigChanges(
  config: ConfigPart,
  changes: readonly ConfigChange[],
): ConfigPart {
  let changed = config
  let isCmdSet = false
  for (const { instruction, apply } of changes) {
    const before = changed
    changed = apply(before)
    isCmdSet ||= instruction === 'CMD'
    // A Cmd that was there before belongs to another program; one given here is meant.
    if (instruction === 'ENTRYPOINT') {
      changed = { ...changed, Cmd: isCmdSet ? (before.Cmd ?? null) : null }
    }
  }
  return changed
}

/**
 * Read a Dockerfile instruction that changes an image's config, as `commit --change` has it.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker commit --change; moby builder/dockerfile/dispatchers.go
 */
export function parseConfigChange(text: string): ConfigChange {
  const match = /^\s*(\S+)(?:\s+([\s\S]*?))?\s*$/.exec(text)
  const name = (match?.[1] ?? '').toUpperCase()
  const rest = match?.[2] ?? ''
  const instruction = instructions.get(name)
  if (instruction === undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: no such change`, {
      hint: `one of ${[...instructions.keys()].join(', ')}`,
    })
  }
  const apply = instruction(rest)
  // What depends on the config's variables is checked when it is applied; try it on an empty one.
  apply({})
  return { instruction: name, apply }
}

const instructions = new Map<string, (rest: string) => Apply>([
  ['CMD', (rest) => command(rest, (Cmd, config) => ({ ...config, Cmd }))],
  ['ENTRYPOINT', (rest) => command(rest, (Entrypoint, config) => ({ ...config, Entrypoint }))],
  ['ENV', (rest) => setEnv(pairs('ENV', rest))],
  ['EXPOSE', expose],
  ['HEALTHCHECK', healthcheck],
  ['LABEL', (rest) => setLabels(pairs('LABEL', rest))],
  ['ONBUILD', onBuild],
  ['STOPSIGNAL', stopSignal],
  ['USER', (rest) => oneWord('USER', rest, (User, config) => ({ ...config, User }))],
  ['VOLUME', volumes],
  ['WORKDIR', (rest) => oneWord('WORKDIR', rest, setWorkingDir)],
])

const defaultShell = ['/bin/sh', '-c']

/** A program as a JSON list, or as a line for the image's shell. */
function command(
  rest: string,
  set: (args: readonly string[], config: ConfigPart) => ConfigPart,
): Apply {
  const list = jsonList(rest)
  if (list !== undefined) return (config) => set(list, config)
  if (rest === '') throw invalid(rest, 'needs a program or []')
  return (config) => set([...(config.Shell ?? defaultShell), rest], config)
}

/** undefined for what is not a JSON list of strings: docker then takes it for a line of a shell. */
function jsonList(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined
  try {
    const list: unknown = JSON.parse(text)
    const isStrings = Array.isArray(list) && list.every((item) => typeof item === 'string')
    return isStrings ? (list as string[]) : undefined
  } catch {
    return undefined
  }
}

/** `NAME=value NAME2="value 2"`, or `NAME value` for one. Values are not expanded yet. */
function pairs(instruction: string, rest: string): (readonly [name: string, value: string])[] {
  const words = splitWords(rest)
  const [first] = words
  if (first === undefined) throw invalid(rest, `${instruction} needs NAME=value`)
  if (!first.includes('=')) {
    const value = rest.slice(first.length).trimStart()
    if (value === '') throw invalid(rest, `${instruction} needs NAME=value`)
    return [[first, value]]
  }
  return words.map((word) => {
    const equals = word.indexOf('=')
    if (equals <= 0) throw invalid(word, `${instruction} needs NAME=value`)
    return [word.slice(0, equals), word.slice(equals + 1)] as const
  })
}

function expanded(word: string, { Env }: ConfigPart): string {
  return expandWord(word, (name) =>
    (Env ?? []).findLast((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1),
  )
}

function setEnv(given: readonly (readonly [string, string])[]): Apply {
  return (config) => {
    // All of one instruction see the environment from before it.
    const entries = given.map(([name, value]) => [expanded(name, config), expanded(value, config)])
    let env = [...(config.Env ?? [])]
    for (const [name = '', value = ''] of entries) {
      const at = env.findIndex((entry) => entry.startsWith(`${name}=`))
      env = at < 0 ? [...env, `${name}=${value}`] : env.with(at, `${name}=${value}`)
    }
    return { ...config, Env: env }
  }
}

function setLabels(given: readonly (readonly [string, string])[]): Apply {
  return (config) => {
    const entries = given.map(([name, value]) => [expanded(name, config), expanded(value, config)])
    return { ...config, Labels: withKeys(config.Labels, entries as [string, string][]) }
  }
}

/** fromEntries makes own properties even of a name like __proto__. */
function withKeys<T>(
  before: Readonly<Record<string, T>> | null | undefined,
  entries: readonly (readonly [string, T])[],
): Record<string, T> {
  return Object.fromEntries([...Object.entries(before ?? {}), ...entries])
}

function expose(rest: string): Apply {
  const words = splitWords(rest)
  if (words.length === 0) throw invalid(rest, 'EXPOSE needs a port')
  return (config) => {
    const ports = words.map((word) => expanded(word, config)).filter((word) => word !== '')
    const keys = ports.flatMap(exposedPorts).map((port) => [port, {}] as const)
    return { ...config, ExposedPorts: withKeys(config.ExposedPorts, keys) }
  }
}

const maxPort = 65535

/** `80`, `80/udp`, `8000-8010` as keys of ExposedPorts. */
function exposedPorts(text: string): string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text)
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (match === null || first < 1 || last > maxPort || last < first) {
    throw invalid(text, 'not a port, such as 80, 53/udp or 8000-8010')
  }
  const protocol = (match[3] ?? 'tcp').toLowerCase()
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`)
}

function healthcheck(rest: string): Apply {
  const { flags, kind, text } = healthcheckOf(rest)
  return (config) => {
    const test = kind === 'NONE' ? ['NONE'] : ['CMD', ...(jsonList(text) ?? [])]
    const isShellForm = kind === 'CMD' && jsonList(text) === undefined
    return { ...config, Healthcheck: { Test: isShellForm ? ['CMD-SHELL', text] : test, ...flags } }
  }
}

function onBuild(rest: string): Apply {
  const name = (splitWords(rest)[0] ?? '').toUpperCase()
  if (name === '') throw invalid(rest, 'ONBUILD needs an instruction')
  if (['ONBUILD', 'FROM', 'MAINTAINER'].includes(name)) {
    throw invalid(rest, `${name} is not allowed as an ONBUILD trigger`)
  }
  return (config) => ({ ...config, OnBuild: [...(config.OnBuild ?? []), rest] })
}

function stopSignal(rest: string): Apply {
  return oneWord('STOPSIGNAL', rest, (StopSignal, config) => {
    // Without its variables a word may be empty: the config that it is for decides.
    if (StopSignal !== '' || !rest.includes('$')) parseSignal(StopSignal)
    return { ...config, StopSignal }
  })
}

function oneWord(
  instruction: string,
  rest: string,
  set: (word: string, config: ConfigPart) => ConfigPart,
): Apply {
  if (rest === '') throw invalid(rest, `${instruction} needs a value`)
  if (instruction !== 'WORKDIR' && splitWords(rest).length > 1) {
    throw invalid(rest, `${instruction} takes one value`)
  }
  return (config) => set(expanded(rest, config), config)
}

function setWorkingDir(text: string, config: ConfigPart): ConfigPart {
  const before =
    config.WorkingDir === undefined || config.WorkingDir === '' ? '/' : config.WorkingDir
  const joined = text.startsWith('/') ? text : `${before}/${text}`
  return { ...config, WorkingDir: cleaned(joined) }
}

function cleaned(path: string): string {
  const components: string[] = []
  for (const component of path.split('/')) {
    if (component === '..') components.pop()
    else if (component !== '' && component !== '.') components.push(component)
  }
  return `/${components.join('/')}`
}

function volumes(rest: string): Apply {
  const words = jsonList(rest) ?? splitWords(rest)
  if (words.length === 0) throw invalid(rest, 'VOLUME needs a path')
  if (words.some((word) => word.trim() === '')) throw invalid(rest, 'VOLUME path is empty')
  return (config) => {
    const keys = words.map((word) => [expanded(word, config), {}] as const)
    return { ...config, Volumes: withKeys(config.Volumes, keys) }
  }
}

function invalid(text: string, problem: string): TsctrError {
  return new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: ${problem}`)
}
