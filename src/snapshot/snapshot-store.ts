import { TsctrError } from '../errors.ts'
import { type Database, unsyncedTransaction, writeTransaction } from '../host/database.ts'
import { syncFilesystemOf } from '../host/durable.ts'
import { SnapshotDirectories } from './directories.ts'
import {
  deleteSnapshot,
  getSnapshot,
  insertSnapshot,
  listSizes,
  listSnapshots,
  markCommitted,
  parentNumbersTopFirst,
  setLabels,
} from './records.ts'
import type {
  CommitOptions,
  Labels,
  Mount,
  SnapshotInfo,
  Snapshotter,
  SnapshotUsage,
} from './snapshotter.ts'
import { measureUsage } from './usage.ts'

/** A committed snapshot below a new one. */
export interface ParentLayer {
  readonly number: number
  /** What it holds, in overlay form. */
  readonly directory: string
}

/** What differs between one kind of snapshot and another. */
export interface SnapshotKindOps {
  readonly name: string
  /** Put the parents' content into a new snapshot's directory, where the kind needs it there. */
  fill(target: string, parentsTopFirst: readonly ParentLayer[]): void
  /** How a snapshot that is not committed is mounted. */
  mounts(directories: SnapshotDirectories, snapshot: SnapshotInfo): Mount[]
}

/** Rows in meta.db and numbered directories beside them, kept in step. */
export class SnapshotStore implements Snapshotter {
  readonly name: string
  readonly #database: Database
  readonly #directories: SnapshotDirectories
  readonly #kind: SnapshotKindOps

  constructor(root: string, database: Database, kind: SnapshotKindOps) {
    this.name = kind.name
    this.#database = database
    this.#directories = new SnapshotDirectories(root)
    this.#kind = kind
  }

  stat(key: string): SnapshotInfo {
    return getSnapshot(this.#database, key)
  }

  update(key: string, labels: Labels): SnapshotInfo {
    setLabels(this.#database, key, labels)
    return this.stat(key)
  }

  usage(key: string): SnapshotUsage {
    const snapshot = this.stat(key)
    return snapshot.usage ?? measureUsage(this.#directories.fs(snapshot.number))
  }

  mounts(key: string): Mount[] {
    const snapshot = this.stat(key)
    if (snapshot.kind === 'committed') {
      throw new TsctrError('FAILED_PRECONDITION', `snapshot ${key}: is committed, view it to mount`)
    }
    return this.#kind.mounts(this.#directories, snapshot)
  }

  prepare(key: string, parent: string | undefined, labels: Labels = {}): SnapshotInfo {
    return this.#make(key, parent, 'active', labels)
  }

  view(key: string, parent: string, labels: Labels = {}): SnapshotInfo {
    return this.#make(key, parent, 'view', labels)
  }

  commit(name: string, key: string, options: CommitOptions = {}): SnapshotInfo {
    const directory = this.#directories.fs(this.stat(key).number)
    const usage = options.usage ?? measureUsage(directory)
    if (options.isSynced !== true) syncFilesystemOf(directory)
    writeTransaction(this.#database, () =>
      markCommitted(this.#database, {
        key,
        name,
        usage,
        parent: options.parent,
        labels: options.labels,
      }),
    )
    return this.stat(name)
  }

  remove(key: string): void {
    const number = writeTransaction(this.#database, () => deleteSnapshot(this.#database, key))
    this.#directories.remove(number)
  }

  forget(key: string): void {
    deleteSnapshot(this.#database, key)
  }

  walk(): SnapshotInfo[] {
    return listSnapshots(this.#database)
  }

  sizes(): Map<string, number> {
    return new Map(listSizes(this.#database))
  }

  directoriesTopFirst(key: string): string[] {
    const { number } = this.stat(key)
    const numbers = [number, ...parentNumbersTopFirst(this.#database, key)]
    return numbers.map((each) => this.#directories.fs(each))
  }

  orphans(): string[] {
    // Listed inside a write transaction: a half-made directory of another process is never seen.
    const numbers = writeTransaction(this.#database, () => this.#orphanNumbers())
    return numbers.map((number) => this.#directories.path(number))
  }

  cleanup(): string[] {
    const numbers = writeTransaction(this.#database, () => {
      const found = this.#orphanNumbers()
      for (const number of found) this.#directories.setAside(number)
      return found
    })
    this.#directories.removeSetAside()
    return numbers.map((number) => this.#directories.path(number))
  }

  #orphanNumbers(): number[] {
    const known = new Set(listSnapshots(this.#database).map((snapshot) => snapshot.number))
    return this.#directories.list().filter((number) => !known.has(number))
  }

  #make(
    key: string,
    parent: string | undefined,
    kind: 'active' | 'view',
    labels: Labels,
  ): SnapshotInfo {
    // Lost after a power loss it leaves a directory, which the next of its number clears away.
    const number = unsyncedTransaction(this.#database, () => {
      const inserted = insertSnapshot(this.#database, { key, parent, kind, labels })
      this.#directories.make(inserted)
      return inserted
    })
    try {
      const parents = parentNumbersTopFirst(this.#database, key)
      this.#kind.fill(
        this.#directories.fs(number),
        parents.map((each) => ({ number: each, directory: this.#directories.fs(each) })),
      )
    } catch (error) {
      this.remove(key)
      throw error
    }
    return this.stat(key)
  }
}
