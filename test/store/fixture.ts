import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '../../src/host/database.ts'
import { type Owner, selfAsOwner } from '../../src/host/owner.ts'
import type { NewContainer } from '../../src/store/containers.ts'
import { ensureNamespace } from '../../src/store/namespaces.ts'
import { storeMigrations } from '../../src/store/schema.ts'

export interface RecordStore {
  readonly path: string
  readonly database: Database
  close(): void
}

/** Records in a file of their own, with the namespaces `default` and `other`. */
export function openRecordStore(): RecordStore {
  const directory = mkdtempSync(join(tmpdir(), 'tsctr-store-'))
  const path = join(directory, 'meta.db')
  const database = openDatabase(path, storeMigrations)
  ensureNamespace(database, 'default')
  ensureNamespace(database, 'other')
  return {
    path,
    database,
    close: () => {
      database.close()
      rmSync(directory, { recursive: true })
    },
  }
}

/** @param id  the beginning of the 64 digits; the rest are zeros */
export function newContainer(id: string, name: string, namespace = 'default'): NewContainer {
  return {
    id: id.padEnd(64, '0'),
    namespace,
    name,
    imageName: 'docker.io/library/redis:alpine',
    imageTargetDigest: `sha256:${'1'.repeat(64)}`,
    imageConfigDigest: `sha256:${'2'.repeat(64)}`,
    config: { args: ['sh'], nested: { ü: [1, null] } },
    labels: { a: '1' },
    snapshotter: 'overlayfs',
    snapshotKey: id.padEnd(64, '0'),
    runtime: { name: 'runc', path: '/usr/bin/runc' },
    owner: selfAsOwner(),
  }
}

/** A process that never was: this one's pid, started at another time. */
export function deadOwner(): Owner {
  const self = selfAsOwner()
  return { ...self, startTicks: self.startTicks - 1 }
}
