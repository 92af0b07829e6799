import type { Database } from '../host/database.ts'

export interface VolumeRecord {
  /** Unique in the data root, whatever the namespace: the name is the directory's. */
  readonly name: string
  readonly driver: string
  readonly options: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** Made for one container, under a name of 64 hex digits. */
  readonly isAnonymous: boolean
  readonly createdAt: Date
}

/** A container that has a volume among its mounts. */
export interface VolumeUser {
  readonly id: string
  readonly name: string
}

interface VolumeRow {
  name: string
  driver: string
  options: string
  labels: string
  is_anonymous: number
  created_at: number
}

/** @returns whether it was not there before; one that is there is left as it is */
export function insertVolume(database: Database, volume: Omit<VolumeRecord, 'createdAt'>): boolean {
  const { changes } = database
    .prepare(
      `INSERT OR IGNORE INTO volume (name, driver, options, labels, is_anonymous, created_at)
       VALUES (?, ?, ?, ?, ?, ?)`,
    )
    .run(
      volume.name,
      volume.driver,
      JSON.stringify(volume.options),
      JSON.stringify(volume.labels),
      Number(volume.isAnonymous),
      Date.now(),
    )
  return changes > 0
}

export function getVolume(database: Database, name: string): VolumeRecord | undefined {
  const row = database.prepare<[string], VolumeRow>('SELECT * FROM volume WHERE name = ?').get(name)
  return row === undefined ? undefined : toVolume(row)
}

/** All volumes by name. */
export function listVolumes(database: Database): VolumeRecord[] {
  return database.prepare<[], VolumeRow>('SELECT * FROM volume ORDER BY name').all().map(toVolume)
}

/** Forget a volume that no container uses (the schema sees to that). @returns whether it existed */
export function deleteVolume(database: Database, name: string): boolean {
  return database.prepare('DELETE FROM volume WHERE name = ?').run(name).changes > 0
}

/** The container uses these volumes until its row goes. */
export function addVolumeUser(
  database: Database,
  containerId: string,
  volumes: readonly string[],
): void {
  const insert = database.prepare('INSERT OR IGNORE INTO volume_user VALUES (?, ?)')
  for (const volume of volumes) insert.run(volume, containerId)
}

export function volumeUsers(database: Database, name: string): VolumeUser[] {
  return database
    .prepare<[string], VolumeUser>(
      `SELECT container.id, container.name
       FROM volume_user JOIN container ON container.id = container_id
       WHERE volume = ? ORDER BY container.created_at`,
    )
    .all(name)
}

/** Whether a container other than one that has ended runs, or is about to, and has the volume. */
export function hasRunningUser(database: Database, name: string, endedId: string): boolean {
  return (
    database
      .prepare<[string, string], number>(
        `SELECT 1 FROM volume_user JOIN container ON container.id = container_id
         WHERE volume = ? AND container_id <> ? AND state NOT IN ('creating', 'created', 'exited')`,
      )
      .pluck()
      .get(name, endedId) !== undefined
  )
}

/** Names of the anonymous volumes that this container uses and no other. */
export function ownAnonymousVolumes(database: Database, containerId: string): string[] {
  return database
    .prepare<[string, string], string>(
      `SELECT name FROM volume JOIN volume_user ON volume = name
       WHERE is_anonymous AND container_id = ? AND NOT EXISTS
         (SELECT 1 FROM volume_user AS other WHERE other.volume = name AND other.container_id <> ?)`,
    )
    .pluck()
    .all(containerId, containerId)
}

function toVolume(row: VolumeRow): VolumeRecord {
  return {
    name: row.name,
    driver: row.driver,
    options: JSON.parse(row.options) as Record<string, string>,
    labels: JSON.parse(row.labels) as Record<string, string>,
    isAnonymous: row.is_anonymous !== 0,
    createdAt: new Date(row.created_at),
  }
}
