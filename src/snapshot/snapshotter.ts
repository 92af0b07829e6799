import type { Owner } from '../host/owner.ts'

/**
 * The snapshot verbs, as containerd names them. An active snapshot is writable and known by its
 * key; commit gives it a name and makes it a parent for others; a view is a read-only snapshot of
 * a committed one.
 */
export interface Snapshotter {
  readonly name: string
  /** @throws NOT_FOUND */
  stat(key: string): SnapshotInfo
  /** Replace the labels. @throws NOT_FOUND */
  update(key: string, labels: Readonly<Record<string, string>>): SnapshotInfo
  /** Disk usage of the snapshot itself, without its parents. @throws NOT_FOUND */
  usage(key: string): SnapshotUsage
  /** How to mount an active snapshot or a view. @throws NOT_FOUND, FAILED_PRECONDITION if committed */
  mounts(key: string): Mount[]
  /** A writable snapshot on a committed parent. @throws ALREADY_EXISTS, NOT_FOUND, FAILED_PRECONDITION */
  prepare(key: string, parent: string | undefined, labels?: Labels): SnapshotInfo
  /** A read-only snapshot of a committed parent. @throws as prepare */
  view(key: string, parent: string, labels?: Labels): SnapshotInfo
  /**
   * Turn an active snapshot into a committed one. What was written is synced first.
   *
   * @throws  ALREADY_EXISTS if the name is taken, FAILED_PRECONDITION if it is not active
   */
  commit(name: string, key: string, options?: CommitOptions): SnapshotInfo
  /** Row first, directory after. @throws NOT_FOUND, FAILED_PRECONDITION if it has children */
  remove(key: string): void
  /**
   * Delete the row alone, for a caller that decides inside a transaction of its own; cleanup takes
   * the directory when that is committed. @throws as remove
   */
  forget(key: string): void
  /** Every snapshot in the order of its number. */
  walk(): SnapshotInfo[]
  /** Bytes that each committed snapshot takes, by its name. */
  sizes(): Map<string, number>
  /**
   * Directories that show the snapshot when laid over each other: its own, then its parents'.
   *
   * @returns  top first
   * @throws   NOT_FOUND
   */
  directoriesTopFirst(key: string): string[]
  /** Paths of directories without a row: what killed processes left. */
  orphans(): string[]
  /** Remove directories without a row. @returns their paths */
  cleanup(): string[]
}

export type Labels = Readonly<Record<string, string>>
export type SnapshotKind = 'active' | 'view' | 'committed'

export interface SnapshotInfo {
  /** Names the directory snapshots/<n>; never reused. */
  readonly number: number
  /** Key while active or a view, name once committed. */
  readonly key: string
  readonly parent: string | undefined
  readonly kind: SnapshotKind
  readonly labels: Labels
  /** Of a committed snapshot: undefined until it was measured. */
  readonly usage: SnapshotUsage | undefined
  /** The process that made it; one that is neither committed nor used and whose owner is dead is garbage. */
  readonly owner: Owner
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface SnapshotUsage {
  readonly sizeBytes: number
  readonly inodes: number
}

export interface CommitOptions {
  /** Known usage saves a walk of the directory. */
  readonly usage?: SnapshotUsage
  /** Set the parent now: layers are unpacked before the ones below them are committed. */
  readonly parent?: string
  readonly labels?: Labels
  /** The caller has synced the filesystem itself, once for several commits. */
  readonly isSynced?: boolean
}

/** Data telling how to mount. Source: mount(8), containerd's mount type */
export interface Mount {
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}
