import { existsSync } from 'node:fs'
import { withOmitted } from '../../oci/nil.ts'
import type { ContainerFiles } from '../../runtime/container-files.ts'
import type { ContainerRecord } from '../../store/containers.ts'
import { countsAsRunning, type DockerState } from '../docker-state.ts'

/** What Go prints for a time that is not set. */
const never = '0001-01-01T00:00:00Z'

/** Source: docker Engine API "ContainerState" */
export function inspectState(
  record: ContainerRecord,
  state: DockerState,
  files: ContainerFiles,
): object {
  const shown = {
    Status: state,
    Running: countsAsRunning(state),
    Paused: state === 'paused',
    Restarting: state === 'restarting',
    OOMKilled: existsSync(files.oom),
    Dead: state === 'dead',
    Pid: (state === 'running' ? record.process?.pid : undefined) ?? 0,
    ExitCode: record.exitCode ?? 0,
    Error: record.error,
    StartedAt: record.startedAt?.toISOString() ?? never,
    FinishedAt: record.finishedAt?.toISOString() ?? never,
  }
  return withOmitted(shown, { Health: null })
}
