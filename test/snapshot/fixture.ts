import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '../../src/host/database.ts'
import { lsetxattr, mknod } from '../../src/host/libc.ts'
import { mountAll, unmountTree } from '../../src/host/mount.ts'
import { snapshotMigrations } from '../../src/snapshot/schema.ts'
import type { Snapshotter } from '../../src/snapshot/snapshotter.ts'

export type MakeSnapshotter = (root: string, database: Database) => Snapshotter

/** Snapshots in a directory of their own, and a place to mount them. */
export interface Store {
  /** `<scratch>/snapshots` */
  readonly root: string
  readonly databasePath: string
  readonly database: Database
  readonly snapshots: Snapshotter
  /** Commit a layer as a pull does: unpacked without its parent. @returns its name */
  layer(name: string, parent: string | undefined, fill: (directory: string) => void): string
  /** The snapshot's own directory. */
  directory(key: string): string
  /** Mount for as long as `look` runs. */
  mounted<T>(key: string, look: (directory: string) => T): T
  close(): void
}

/** @param parent  a name between the temporary directory and the store */
export function openStore(make: MakeSnapshotter, parent = 'store'): Store {
  const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'tsctr-snapshot-')))
  const root = join(scratch, parent, 'snapshots')
  const target = join(scratch, 'mounted')
  mkdirSync(root, { recursive: true })
  mkdirSync(target)
  const databasePath = join(scratch, 'meta.db')
  const database = openDatabase(databasePath, snapshotMigrations)
  const snapshots = make(root, database)
  const directory = (key: string): string => snapshots.directoriesTopFirst(key)[0] ?? ''
  return {
    root,
    databasePath,
    database,
    snapshots,
    directory,
    layer: (name, layerParent, fill) => {
      const key = `extract ${name}`
      snapshots.prepare(key, undefined)
      fill(directory(key))
      snapshots.commit(name, key, layerParent === undefined ? {} : { parent: layerParent })
      return name
    },
    mounted: (key, look) => {
      mountAll(snapshots.mounts(key), target)
      try {
        return look(target)
      } finally {
        unmountTree(target)
      }
    },
    close: () => {
      database.close()
      unmountTree(scratch)
      rmSync(scratch, { recursive: true })
    },
  }
}

/** Hide a name of the layers below, as layer/ does. */
export function whiteout(path: string): void {
  mknod(path, 0o020000, 0, 0)
}

/** A directory that shows nothing of the layers below. */
export function opaqueDirectory(path: string): void {
  mkdirSync(path)
  lsetxattr(path, 'trusted.overlay.opaque', Buffer.from('y'))
}
