import { statSync } from 'node:fs'
import { join } from 'node:path'
import { withOmitted } from '../../oci/nil.ts'
import type { ContainerFiles } from '../../runtime/container-files.ts'
import type { ContainerRecord } from '../../store/containers.ts'
import type { DockerState } from '../docker-state.ts'

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
    Running: state === 'running',
    Paused: state === 'paused',
    Restarting: state === 'restarting',
    OOMKilled: wasOutOfMemory(record, files),
    Dead: state === 'dead',
    Pid: (state === 'running' ? record.process?.pid : undefined) ?? 0,
    ExitCode: record.exitCode ?? 0,
    Error: record.error,
    StartedAt: record.startedAt?.toISOString() ?? never,
    FinishedAt: record.finishedAt?.toISOString() ?? never,
  }
  return withOmitted(shown, { Health: null })
}

/** conmon leaves an empty file when the kernel ran out of the container's memory; of this run? */
function wasOutOfMemory({ startedAt }: ContainerRecord, { directory }: ContainerFiles): boolean {
  const mark = statSync(join(directory, 'oom'), { throwIfNoEntry: false })
  return mark !== undefined && startedAt !== undefined && mark.mtimeMs >= startedAt.getTime()
}
