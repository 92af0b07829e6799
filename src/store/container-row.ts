import type { Owner } from '../host/owner.ts'
import type { ContainerRecord, ContainerState, HealthRecord } from './containers.ts'

/** A row of the table `container`. */
export interface ContainerRow {
  id: string
  namespace: string
  name: string
  image_name: string
  image_target_digest: string | null
  image_config_digest: string | null
  config: string
  labels: string
  snapshotter: string
  snapshot_key: string | null
  runtime_name: string
  runtime_path: string
  state: ContainerState
  pid: number | null
  pid_start_ticks: number | null
  monitor_pid: number | null
  monitor_start_ticks: number | null
  boot_id: string | null
  exit_code: number | null
  error: string
  owner_pid: number | null
  owner_start_ticks: number | null
  owner_boot_id: string | null
  created_at: number
  started_at: number | null
  finished_at: number | null
  restart_count: number
  restart_delay_ms: number | null
  restart_at: number | null
  is_stop_requested: number
  health_status: HealthRecord['status'] | null
  health_failing_streak: number
  health_helper_pid: number | null
  health_helper_start_ticks: number | null
}

export function toContainer(row: ContainerRow): ContainerRecord {
  return {
    id: row.id,
    namespace: row.namespace,
    name: row.name,
    imageName: row.image_name,
    imageTargetDigest: row.image_target_digest ?? undefined,
    imageConfigDigest: row.image_config_digest ?? undefined,
    config: JSON.parse(row.config) as unknown,
    labels: JSON.parse(row.labels) as Record<string, string>,
    snapshotter: row.snapshotter,
    snapshotKey: row.snapshot_key ?? undefined,
    runtime: { name: row.runtime_name, path: row.runtime_path },
    state: row.state,
    process: toOwner(row.pid, row.pid_start_ticks, row.boot_id),
    monitor: toOwner(row.monitor_pid, row.monitor_start_ticks, row.boot_id),
    exitCode: row.exit_code ?? undefined,
    error: row.error,
    owner: toOwner(row.owner_pid, row.owner_start_ticks, row.owner_boot_id),
    createdAt: new Date(row.created_at),
    startedAt: toDate(row.started_at),
    finishedAt: toDate(row.finished_at),
    restart: {
      count: row.restart_count,
      delayMs: row.restart_delay_ms ?? undefined,
      at: toDate(row.restart_at),
    },
    isStopRequested: row.is_stop_requested !== 0,
    health: toHealth(row),
  }
}

function toHealth(row: ContainerRow): HealthRecord | undefined {
  if (row.health_status === null) return undefined
  return {
    status: row.health_status,
    failingStreak: row.health_failing_streak,
    // It is started in the boot of the process that it checks.
    helper: toOwner(row.health_helper_pid, row.health_helper_start_ticks, row.boot_id),
  }
}

function toOwner(
  pid: number | null,
  startTicks: number | null,
  bootId: string | null,
): Owner | undefined {
  if (pid === null || startTicks === null || bootId === null) return undefined
  return { pid, startTicks, bootId }
}

function toDate(milliseconds: number | null): Date | undefined {
  return milliseconds === null ? undefined : new Date(milliseconds)
}
