import { TsctrError } from '../errors.ts'
import type { Database } from '../host/database.ts'
import type { Owner } from '../host/owner.ts'
import { type ContainerRow, toContainer } from './container-row.ts'

/**
 * What the database says of a container. `running` is a claim: container/observe.ts checks it
 * against the processes.
 */
export type ContainerState = 'creating' | 'created' | 'starting' | 'running' | 'exited' | 'removing'

export interface ContainerRecord {
  /** 64 hex digits. */
  readonly id: string
  readonly namespace: string
  readonly name: string
  /** Canonical reference, or what `--rootfs` named. */
  readonly imageName: string
  /** Index or manifest the name pointed at when the container was made. */
  readonly imageTargetDigest: string | undefined
  readonly imageConfigDigest: string | undefined
  /** The container as asked, JSON; container/config.ts knows its shape. */
  readonly config: unknown
  readonly labels: Readonly<Record<string, string>>
  readonly snapshotter: string
  readonly snapshotKey: string | undefined
  readonly runtime: { readonly name: string; readonly path: string }
  readonly state: ContainerState
  /** The container's first process, as the host sees it. */
  readonly process: Owner | undefined
  readonly monitor: Owner | undefined
  readonly exitCode: number | undefined
  readonly error: string
  /** Who is at work on the record while its state is not final. */
  readonly owner: Owner | undefined
  readonly createdAt: Date
  readonly startedAt: Date | undefined
  readonly finishedAt: Date | undefined
  readonly restart: RestartState
  /** It was told to end since it was last started: no policy starts it again. */
  readonly isStopRequested: boolean
  /** undefined: nothing has been checked in it. */
  readonly health: HealthRecord | undefined
}

/** How far the container's restart policy has come. */
export interface RestartState {
  /** Starts by the policy since the last one by a user. */
  readonly count: number
  /** Waited before the last of them; undefined before the first. */
  readonly delayMs: number | undefined
  /** When it is to be started again; undefined if it is not. */
  readonly at: Date | undefined
}

/** How well a container's program does its work, as its health check has it. */
export interface HealthRecord {
  readonly status: 'starting' | 'healthy' | 'unhealthy'
  /** Failures in a row that count. */
  readonly failingStreak: number
  /** The process that has the check done; undefined where nothing is to be checked now. */
  readonly helper: Owner | undefined
}

export type NewContainer = Pick<
  ContainerRecord,
  | 'id'
  | 'namespace'
  | 'name'
  | 'imageName'
  | 'imageTargetDigest'
  | 'imageConfigDigest'
  | 'config'
  | 'labels'
  | 'snapshotter'
  | 'snapshotKey'
  | 'runtime'
> & { readonly owner: Owner }

/** Columns that change during a container's life; a key that is present with undefined clears. */
export interface ContainerChange {
  readonly state?: ContainerState
  readonly name?: string
  readonly process?: Owner | undefined
  readonly monitor?: Owner | undefined
  readonly exitCode?: number | undefined
  readonly error?: string
  readonly owner?: Owner | undefined
  readonly startedAt?: Date | undefined
  readonly finishedAt?: Date | undefined
  readonly config?: unknown
  readonly restart?: RestartState
  readonly isStopRequested?: boolean
  readonly health?: HealthRecord | undefined
}

/**
 * Record a container in state `creating`.
 *
 * @throws  ALREADY_EXISTS if the name is taken in the namespace
 */
export function insertContainer(database: Database, container: NewContainer): void {
  const holder = containerIdOf(database, container.namespace, container.name)
  if (holder !== undefined) throw nameTaken(container.name, holder)
  database
    .prepare(
      `INSERT INTO container (id, namespace, name, image_name, image_target_digest,
         image_config_digest, config, labels, snapshotter, snapshot_key, runtime_name, runtime_path,
         state, owner_pid, owner_start_ticks, owner_boot_id, created_at, updated_at)
       VALUES (@id, @namespace, @name, @imageName, @targetDigest, @configDigest, @config, @labels,
         @snapshotter, @snapshotKey, @runtimeName, @runtimePath, 'creating', @ownerPid,
         @ownerStartTicks, @ownerBootId, @now, @now)`,
    )
    .run({
      id: container.id,
      namespace: container.namespace,
      name: container.name,
      imageName: container.imageName,
      targetDigest: container.imageTargetDigest ?? null,
      configDigest: container.imageConfigDigest ?? null,
      config: JSON.stringify(container.config),
      labels: JSON.stringify(container.labels),
      snapshotter: container.snapshotter,
      snapshotKey: container.snapshotKey ?? null,
      runtimeName: container.runtime.name,
      runtimePath: container.runtime.path,
      ownerPid: container.owner.pid,
      ownerStartTicks: container.owner.startTicks,
      ownerBootId: container.owner.bootId,
      now: Date.now(),
    })
}

/** Change some columns of one container. @returns whether the container still exists */
export function updateContainer(database: Database, id: string, change: ContainerChange): boolean {
  const columns: Record<string, string | number | null> = { updated_at: Date.now() }
  if (change.state !== undefined) columns.state = change.state
  if (change.name !== undefined) columns.name = change.name
  if (change.error !== undefined) columns.error = change.error
  if ('exitCode' in change) columns.exit_code = change.exitCode ?? null
  if ('startedAt' in change) columns.started_at = change.startedAt?.getTime() ?? null
  if ('finishedAt' in change) columns.finished_at = change.finishedAt?.getTime() ?? null
  if (change.config !== undefined) columns.config = JSON.stringify(change.config)
  if (change.isStopRequested !== undefined)
    columns.is_stop_requested = Number(change.isStopRequested)
  if (change.restart !== undefined) {
    columns.restart_count = change.restart.count
    columns.restart_delay_ms = change.restart.delayMs ?? null
    columns.restart_at = change.restart.at?.getTime() ?? null
  }
  if ('health' in change) {
    columns.health_status = change.health?.status ?? null
    columns.health_failing_streak = change.health?.failingStreak ?? 0
    columns.health_helper_pid = change.health?.helper?.pid ?? null
    columns.health_helper_start_ticks = change.health?.helper?.startTicks ?? null
  }
  if ('process' in change) {
    columns.pid = change.process?.pid ?? null
    columns.pid_start_ticks = change.process?.startTicks ?? null
    // The monitor is of the same boot, and may outlive the process.
    if (change.process !== undefined) columns.boot_id = change.process.bootId
  }
  if ('monitor' in change) {
    columns.monitor_pid = change.monitor?.pid ?? null
    columns.monitor_start_ticks = change.monitor?.startTicks ?? null
  }
  if ('owner' in change) {
    columns.owner_pid = change.owner?.pid ?? null
    columns.owner_start_ticks = change.owner?.startTicks ?? null
    columns.owner_boot_id = change.owner?.bootId ?? null
  }
  const assignments = Object.keys(columns).map((column) => `${column} = @${column}`)
  const statement = database.prepare(
    `UPDATE container SET ${assignments.join(', ')} WHERE id = @id`,
  )
  return statement.run({ ...columns, id }).changes > 0
}

/**
 * Give a container another name; called inside a transaction.
 *
 * @throws  ALREADY_EXISTS if the name is taken in the namespace
 */
export function renameContainerRow(
  database: Database,
  { id, namespace }: Pick<ContainerRecord, 'id' | 'namespace'>,
  name: string,
): void {
  const holder = containerIdOf(database, namespace, name)
  if (holder !== undefined) throw nameTaken(name, holder)
  updateContainer(database, id, { name })
}

/** The container with exactly this id, in any namespace. */
export function getContainer(database: Database, id: string): ContainerRecord | undefined {
  const row = database
    .prepare<[string], ContainerRow>('SELECT * FROM container WHERE id = ?')
    .get(id)
  return row === undefined ? undefined : toContainer(row)
}

/** The id of the container with exactly this name. */
export function containerIdOf(
  database: Database,
  namespace: string,
  name: string,
): string | undefined {
  return database
    .prepare<[string, string], { id: string }>(
      'SELECT id FROM container WHERE namespace = ? AND name = ?',
    )
    .get(namespace, name)?.id
}

/**
 * The container a user means: a name, a whole id, or an unambiguous start of an id, in this order.
 *
 * @throws  NOT_FOUND, or INVALID_ARGUMENT if several ids start so
 */
export function findContainer(
  database: Database,
  namespace: string,
  nameOrId: string,
): ContainerRecord {
  const byName = database
    .prepare<[string, string, string], ContainerRow>(
      'SELECT * FROM container WHERE namespace = ? AND (name = ? OR id = ?)',
    )
    .get(namespace, nameOrId, nameOrId)
  if (byName !== undefined) return toContainer(byName)
  const rows = /^[0-9a-f]+$/.test(nameOrId)
    ? database
        .prepare<[string, string], ContainerRow>(
          `SELECT * FROM container WHERE namespace = ? AND id GLOB ? || '*' LIMIT 2`,
        )
        .all(namespace, nameOrId)
    : []
  const [first, second] = rows
  if (first === undefined) {
    throw new TsctrError('NOT_FOUND', `container ${nameOrId}: no such container`)
  }
  if (second !== undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `container ${nameOrId}: several ids start so`)
  }
  return toContainer(first)
}

/** Containers of one namespace, or of all, newest first. */
export function listContainers(database: Database, namespace?: string): ContainerRecord[] {
  return database
    .prepare<[string | null], ContainerRow>(
      `SELECT * FROM container WHERE namespace = coalesce(?, namespace)
       ORDER BY created_at DESC, rowid DESC`,
    )
    .all(namespace ?? null)
    .map(toContainer)
}

/**
 * Those of a namespace that run, are about to, or that somebody is at work on, newest first: what
 * nothing happens to is left where it is.
 */
export function listActiveContainers(database: Database, namespace: string): ContainerRecord[] {
  return database
    .prepare<[string], ContainerRow>(
      `SELECT * FROM container
       WHERE namespace = ? AND (state NOT IN ('created', 'exited') OR restart_at IS NOT NULL)
       ORDER BY created_at DESC, rowid DESC`,
    )
    .all(namespace)
    .map(toContainer)
}

/** Containers of all namespaces that somebody is, or was, at work on. */
export function unfinishedContainers(database: Database): ContainerRecord[] {
  return database
    .prepare<[], ContainerRow>(
      "SELECT * FROM container WHERE state IN ('creating', 'starting', 'removing')",
    )
    .all()
    .map(toContainer)
}

/** Forget a container. @returns whether it existed */
export function deleteContainer(database: Database, id: string): boolean {
  return database.prepare('DELETE FROM container WHERE id = ?').run(id).changes > 0
}

function nameTaken(name: string, holderId: string): TsctrError {
  const message = `container ${name}: name is already in use by container ${holderId.slice(0, 12)}`
  return new TsctrError('ALREADY_EXISTS', message, {
    hint: `tsctr rm ${name}, or choose another --name`,
  })
}
