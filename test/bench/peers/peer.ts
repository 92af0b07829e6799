import type { RowName } from '../rows.ts'
import type { Command } from '../run-command.ts'

/** An engine, or the limit: the least that must be done whichever engine does it. */
export interface Peer {
  readonly name: string
  /** Of its programs, for the note below the table. */
  readonly versions: readonly string[]
  readonly trials: Trials
  /** Missing where nothing stays beside a container. */
  readonly memory?: MemoryTrial
}

export type Trials = { readonly [Name in Exclude<RowName, 'memory'>]?: Trial }

export interface Trial {
  /** Once before the row. */
  readonly setUp?: () => Promise<void>
  /** Each time before the timed command, not timed. */
  readonly before?: readonly Command[]
  readonly command: Command
  /** What the command is, where the row's title does not say it. */
  readonly note?: string
  /** Once after the row. */
  readonly tearDown?: () => Promise<void>
}

export interface MemoryTrial {
  /** Start a container that does nothing. @returns its first process */
  readonly start: () => Promise<number>
  /** Processes that serve all containers together. */
  readonly daemonPids: readonly number[]
  readonly remove: () => Promise<void>
}

/** Where a peer finds and leaves things. */
export interface Workspace {
  /** An empty directory on disk. */
  readonly diskDir: string
  /** An empty directory on tmpfs. */
  readonly tmpfsDir: string
  /** `127.0.0.1:PORT`, with the fixture images. */
  readonly registryHost: string
  /** The directory that it keeps them in. */
  readonly registryStorage: string
  /** One to push to, and where it keeps what it has. */
  readonly emptyRegistryHost: string
  readonly emptyRegistryStorage: string
  /** The tsctr that is measured. */
  readonly program: string
}

/**
 * Ready to measure: its daemons run, busybox is pulled.
 *
 * @returns  undefined where it is not installed
 */
export type StartPeer = (workspace: Workspace) => Promise<Peer | undefined>
