import type { DockerState } from '../../container/docker-state.ts'
import { humanAge, humanDuration } from './human-duration.ts'

/** What a container's STATUS is made of. */
export interface StatusParts {
  readonly state: DockerState
  readonly startedAt: Date | undefined
  readonly finishedAt: Date | undefined
  readonly exitCode: number | undefined
  readonly health?: { readonly status: 'starting' | 'healthy' | 'unhealthy' } | undefined
}

/** `Up 3 minutes (healthy)`, `Exited (137) 8 days ago`. Source: docker ps, column STATUS */
export function containerStatus(container: StatusParts, now: Date): string {
  const { state, startedAt = now, finishedAt = now, exitCode = 0 } = container
  switch (state) {
    case 'created':
      return 'Created'
    case 'running':
      return `Up ${humanDuration(now.getTime() - startedAt.getTime())}${healthOf(container)}`
    case 'paused':
      return `Up ${humanDuration(now.getTime() - startedAt.getTime())} (Paused)`
    case 'restarting':
      return `Restarting (${exitCode}) ${humanAge(finishedAt, now)}`
    case 'removing':
      return 'Removal In Progress'
    case 'exited':
      return `Exited (${exitCode}) ${humanAge(finishedAt, now)}`
    case 'dead':
      return 'Dead'
  }
}

/** Source: moby container/health.go String */
function healthOf({ health }: StatusParts): string {
  if (health === undefined) return ''
  return health.status === 'starting' ? ' (health: starting)' : ` (${health.status})`
}
