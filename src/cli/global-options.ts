import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { TsctrError } from '../errors.ts'

/** What the options before the command say, with the environment and the defaults filled in. */
export interface GlobalOptions {
  /** Everything that must survive a reboot. */
  readonly dataRoot: string
  /** Gone after a reboot. */
  readonly stateRoot: string
  readonly namespace: string
  /** Directories of `<host>/hosts.toml`; the first that knows a host wins. */
  readonly hostsDirs: readonly string[]
  /** Registries and networks that may speak plain HTTP, or show any certificate. */
  readonly insecureRegistries: readonly string[]
  readonly debug: boolean
}

/** The options as commander parsed them. */
export interface GlobalFlags {
  readonly dataRoot?: string
  readonly stateRoot?: string
  readonly namespace?: string
  readonly hostsDir?: readonly string[]
  readonly insecureRegistry?: readonly string[]
  readonly debug?: boolean
}

/** Who runs the program, and with what around it. */
export interface Caller {
  readonly uid: number
  readonly home: string
  readonly environment: NodeJS.ProcessEnv
}

/** The options that take a value, in all their spellings: what is needed to find the command in argv. */
export const globalFlagsWithValue: readonly string[] = [
  '--data-root',
  '--state-root',
  '-n',
  '--namespace',
  '--hosts-dir',
  '--insecure-registry',
  '--trace',
]

export function addGlobalOptions(program: Command): Command {
  return program
    .option('--data-root <directory>', 'what must survive a reboot (env TSCTR_ROOT)')
    .option('--state-root <directory>', 'what need not survive a reboot (env TSCTR_STATE)')
    .option('-n, --namespace <name>', 'namespace to work in (env TSCTR_NAMESPACE)')
    .option(
      '--hosts-dir <directory>',
      'where <host>/hosts.toml is looked for; repeatable (env TSCTR_HOSTS_DIR, colon-separated)',
      (directory: string, earlier: readonly string[] = []) => [...earlier, directory],
    )
    .option(
      '--insecure-registry <host>',
      'host[:port] or network that may speak plain HTTP or show any certificate; repeatable',
      (host: string, earlier: readonly string[] = []) => [...earlier, host],
    )
    .option(
      '--trace <file>',
      'write the phases of the command with their times, as Chrome trace JSON (env TSCTR_TRACE)',
    )
    .option('-D, --debug', 'show the causes and stacks of errors')
}

/**
 * Decide every global option: the flag, else the environment, else the default for this user.
 *
 * @throws  INVALID_ARGUMENT for a namespace that cannot be a directory's name
 */
export function resolveGlobalOptions(flags: GlobalFlags, caller = thisCaller()): GlobalOptions {
  const { environment } = caller
  const defaults = caller.uid === 0 ? rootDefaults : userDefaults(caller)
  return {
    dataRoot: resolve(flags.dataRoot ?? given(environment.TSCTR_ROOT) ?? defaults.dataRoot),
    stateRoot: resolve(flags.stateRoot ?? given(environment.TSCTR_STATE) ?? defaults.stateRoot),
    namespace: validNamespace(
      flags.namespace ?? given(environment.TSCTR_NAMESPACE) ?? defaultNamespace,
    ),
    hostsDirs: (
      flags.hostsDir ??
      given(environment.TSCTR_HOSTS_DIR)?.split(':').filter(Boolean) ??
      defaults.hostsDirs
    ).map((directory) => resolve(directory)),
    insecureRegistries: (flags.insecureRegistry ?? []).map(validInsecureRegistry),
    debug: flags.debug ?? false,
  }
}

type Directories = Pick<GlobalOptions, 'dataRoot' | 'stateRoot' | 'hostsDirs'>

const defaultNamespace = 'default'

const rootDefaults: Directories = {
  dataRoot: '/var/lib/tsctr',
  stateRoot: '/run/tsctr',
  hostsDirs: [
    '/etc/tsctr/certs.d',
    '/etc/containerd/certs.d',
    '/etc/docker/certs.d',
    '/etc/containers/certs.d',
  ],
}

// Source: XDG Base Directory Specification; a relative value there is to be ignored.
function userDefaults({ uid, home, environment }: Caller): Directories {
  const base = (name: string): string | undefined => {
    const value = environment[name]
    return value?.startsWith('/') ? value : undefined
  }
  const runtime = base('XDG_RUNTIME_DIR')
  return {
    dataRoot: join(base('XDG_DATA_HOME') ?? join(home, '.local/share'), 'tsctr'),
    stateRoot: runtime === undefined ? `/tmp/tsctr-${uid}` : join(runtime, 'tsctr'),
    hostsDirs: [
      join(base('XDG_CONFIG_HOME') ?? join(home, '.config'), 'tsctr/certs.d'),
      ...rootDefaults.hostsDirs,
    ],
  }
}

function thisCaller(): Caller {
  return { uid: process.getuid?.() ?? 0, home: homedir(), environment: process.env }
}

/** An empty variable is one that was not given. */
function given(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

function validNamespace(name: string): string {
  if (/^[a-z0-9][a-z0-9._-]*$/.test(name) && name.length <= 76) return name
  throw new TsctrError('INVALID_ARGUMENT', `namespace ${JSON.stringify(name)}: not a valid name`, {
    hint: 'use a-z, 0-9, dot, dash and underscore, beginning with a letter or digit',
  })
}

// The host of a reference, or a network; what a network may be, its reader knows.
const insecureForm = /^(?:(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?|[0-9a-f.:]+\/\d{1,3})$/i

function validInsecureRegistry(text: string): string {
  if (insecureForm.test(text)) return text
  throw new TsctrError(
    'INVALID_ARGUMENT',
    `--insecure-registry ${JSON.stringify(text)}: must be HOST, HOST:PORT or a network`,
  )
}
