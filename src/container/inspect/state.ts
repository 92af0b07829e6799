import { existsSync } from 'node:fs'
import { withOptional } from '../../oci/nil.ts'
import type { ContainerFiles } from '../../runtime/container-files.ts'
import { readExitStatus } from '../../runtime/exit-status.ts'
import type { ContainerRecord, HealthRecord } from '../../store/containers.ts'
import type { HealthResult } from '../../store/health-results.ts'
import { countsAsRunning, type DockerState } from '../docker-state.ts'

/** What Go prints for a time that is not set. */
const never = '0001-01-01T00:00:00Z'

/** Source: docker Engine API "ContainerState" */
export function inspectState(
  record: ContainerRecord,
  state: DockerState,
  files: ContainerFiles,
  healthResults: readonly HealthResult[],
): object {
  // One that has ended since it was settled: its status lies there, but not on record yet.
  const ended = state === 'exited' ? readExitStatus(files.exit) : undefined
  const shown = {
    Status: state,
    Running: countsAsRunning(state),
    Paused: state === 'paused',
    Restarting: state === 'restarting',
    OOMKilled: existsSync(files.oom),
    Dead: state === 'dead',
    Pid: (state === 'running' || state === 'paused' ? record.process?.pid : undefined) ?? 0,
    ExitCode: record.exitCode ?? ended?.code ?? 0,
    Error: record.error,
    StartedAt: record.startedAt?.toISOString() ?? never,
    FinishedAt: (record.finishedAt ?? ended?.finishedAt)?.toISOString() ?? never,
  }
  const health = record.health && inspectHealth(record.health, healthResults)
  return withOptional(shown, { Health: [health, null] })
}

/** Source: docker Engine API "Health" */
function inspectHealth(
  { status, failingStreak }: HealthRecord,
  results: readonly HealthResult[],
): object {
  return {
    Status: status,
    FailingStreak: failingStreak,
    Log: results.map(({ startedAtUs, endedAtUs, exitCode, output }) => ({
      Start: rfc3339(startedAtUs),
      End: rfc3339(endedAtUs),
      ExitCode: exitCode,
      Output: output,
    })),
  }
}

function rfc3339(us: number): string {
  const micros = String(us % 1_000_000).padStart(6, '0')
  return new Date(us / 1000).toISOString().replace(/\.\d+Z$/, `.${micros}Z`)
}
