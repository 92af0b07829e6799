import type { ExitStatus } from '../runtime/exit-status.ts'
import type { ContainerRecord, RestartState } from '../store/containers.ts'
import type { RestartPolicy } from './config.ts'

const firstDelayMs = 100
const longestDelayMs = 60_000
/** After a run as long as this, the waiting begins anew. */
const soundRunMs = 10_000

/**
 * What a container's restart policy makes of its end.
 *
 * @returns  when to start it again, 100 ms after the first end and twice as long after each further
 *           one, up to a minute; without `at` if it is to stay as it is
 * Source: docker run --restart; moby restartmanager
 */
export function nextRestart(
  record: Pick<ContainerRecord, 'restart' | 'isStopRequested' | 'startedAt'>,
  policy: RestartPolicy | undefined,
  status: ExitStatus,
  now: Date,
): RestartState {
  const { restart } = record
  if (!isDue(record, policy, status)) return { ...restart, at: undefined }
  const startedMs = record.startedAt?.getTime() ?? 0
  const wasSound = status.finishedAt.getTime() - startedMs >= soundRunMs
  const delayMs =
    wasSound || restart.delayMs === undefined
      ? firstDelayMs
      : Math.min(restart.delayMs * 2, longestDelayMs)
  return { count: restart.count, delayMs, at: new Date(now.getTime() + delayMs) }
}

function isDue(
  { restart, isStopRequested }: Pick<ContainerRecord, 'restart' | 'isStopRequested'>,
  policy: RestartPolicy | undefined,
  { code }: ExitStatus,
): boolean {
  switch (policy?.name) {
    case 'always':
    case 'unless-stopped':
      return !isStopRequested
    case 'on-failure': {
      const { maximumRetries } = policy
      const hasRetries = maximumRetries === 0 || restart.count < maximumRetries
      return !isStopRequested && code !== 0 && hasRetries
    }
    default:
      return false
  }
}
