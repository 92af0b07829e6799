import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { ContainerStores } from '../container/stores.ts'
import { ContentStore } from '../content/store.ts'
import { makeRootDirectory } from '../host/data-root.ts'
import { type Database, openDatabase } from '../host/database.ts'
import { traced, traceFile } from '../host/trace.ts'
import type { RegistryClient, RegistryClientOptions } from '../registry/client.ts'
import { nativeSnapshotter } from '../snapshot/native.ts'
import { overlaySnapshotter } from '../snapshot/overlay.ts'
import { overlayWorks } from '../snapshot/overlay-memo.ts'
import type { Snapshotter } from '../snapshot/snapshotter.ts'
import { type GlobalOptions, resolveGlobalOptions } from './global-options.ts'
import { migrations } from './migrations.ts'
import { escaped, type Output, outputTo } from './output.ts'
import { selfCommand } from './program-path.ts'
import { programVersion } from './program-version.ts'

/** What a command works with. */
export interface Context extends GlobalOptions, ContainerStores {
  /** Whether there is a database already: for commands that only look. */
  readonly hasDatabase: boolean
  readonly stdout: Output
  readonly stderr: Output
  /** Settings of the registry client that a command's own flags make; before its first use. */
  configureRegistry(settings: Partial<RegistryClientOptions>): void
  /** The same stores with another namespace. */
  inNamespace(namespace: string): Context
  /** For a command that becomes another program. */
  close(): void
}

/**
 * Run a command's action with what the global options select.
 *
 * @param command  the command that commander called: the global options stand on its ancestors
 */
export async function withContext(
  command: Command,
  action: (context: Context) => Promise<void>,
): Promise<void> {
  // The database is closed by the end of the process. SQLite's own close would copy the log of the
  // last few commands into the database and sync both, which the next command does when it is long.
  await action(new LazyContext(resolveGlobalOptions(rootOf(command).opts())))
}

class LazyContext implements Context {
  readonly dataRoot: string
  readonly stateRoot: string
  readonly namespace: string
  readonly hostsDirs: readonly string[]
  readonly insecureRegistries: readonly string[]
  readonly debug: boolean
  readonly stdout = outputTo(1)
  readonly stderr = escaped(outputTo(2))
  #database: Database | undefined
  #content: ContentStore | undefined
  #snapshots: Snapshotter | undefined
  #registry: Promise<RegistryClient> | undefined
  #registrySettings: Partial<RegistryClientOptions> = {}

  readonly #options: GlobalOptions

  constructor(options: GlobalOptions) {
    this.#options = options
    this.dataRoot = options.dataRoot
    this.stateRoot = options.stateRoot
    this.namespace = options.namespace
    this.hostsDirs = options.hostsDirs
    this.insecureRegistries = options.insecureRegistries
    this.debug = options.debug
  }

  inNamespace(namespace: string): Context {
    const other = new LazyContext({ ...this.#options, namespace })
    other.#database = this.database
    return other
  }

  get database(): Database {
    this.#database ??= this.#open()
    return this.#database
  }

  get content(): ContentStore {
    const root = join(this.dataRoot, 'content')
    this.#content ??= new ContentStore({ root, database: this.database })
    return this.#content
  }

  get snapshots(): Snapshotter {
    this.#snapshots ??= this.snapshotter('overlayfs')
    return this.#snapshots
  }

  snapshotter(name: string): Snapshotter {
    if (name === 'overlayfs') return overlaySnapshotter(this.#snapshotRoot(), this.database)
    if (name === 'native') return nativeSnapshotter(this.#snapshotRoot(), this.database)
    throw new Error(`bug: no snapshotter ${name}`)
  }

  get containerSnapshotter(): string {
    const memo = join(this.stateRoot, '.overlay-works')
    return overlayWorks(this.#snapshotRoot(), memo) ? 'overlayfs' : 'native'
  }

  get selfCommand(): readonly string[] {
    const roots = ['--data-root', this.dataRoot, '--state-root', this.stateRoot]
    const trace = traceFile()
    return [
      ...[...selfCommand(), ...roots, '--namespace', this.namespace],
      ...(trace === undefined ? [] : ['--trace', trace]),
    ]
  }

  configureRegistry(settings: Partial<RegistryClientOptions>): void {
    this.#registrySettings = settings
  }

  registry(): Promise<RegistryClient> {
    this.#registry ??= this.#makeRegistry()
    return this.#registry
  }

  get hasDatabase(): boolean {
    if (!existsSync(this.dataRoot)) return false
    // In somebody else's root nothing can be seen, which is not the same as nothing being there.
    makeRootDirectory(this.dataRoot, '--data-root')
    return existsSync(this.#databasePath)
  }

  get #databasePath(): string {
    return join(this.dataRoot, 'meta.db')
  }

  #snapshotRoot(): string {
    const root = join(this.dataRoot, 'snapshots')
    // The database is opened first: it makes the data root and says what is wrong with it.
    if (this.database.open) mkdirSync(root, { recursive: true, mode: 0o700 })
    return root
  }

  async #makeRegistry(): Promise<RegistryClient> {
    const { RegistryClient } = await import('../registry/client.ts')
    return new RegistryClient({
      hostsDirs: this.hostsDirs,
      insecureRegistries: this.insecureRegistries,
      userAgent: `tsctr/${programVersion}`,
      trace: this.debug ? (line) => this.stderr.line(`debug: ${line}`) : undefined,
      ...this.#registrySettings,
    })
  }

  #open(): Database {
    makeRootDirectory(this.dataRoot, '--data-root')
    return traced('open the database', () => openDatabase(this.#databasePath, migrations))
  }

  close(): void {
    this.#database?.close()
  }
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent)
}
