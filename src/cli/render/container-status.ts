import type { DockerState } from '../../container/docker-state.ts'
import { humanAge, humanDuration } from './human-duration.ts'

/** What a container's STATUS is made of. */
export interface StatusParts {
  readonly state: DockerState
  readonly startedAt: Date | undefined
  readonly finishedAt: Date | undefined
  readonly exitCode: number | undefined
}

/** `Up 3 minutes`, `Exited (137) 8 days ago`. Source: docker ps, column STATUS */
export function containerStatus(container: StatusParts, now: Date): string {
  const { state, startedAt = now, finishedAt = now, exitCode = 0 } = container
  switch (state) {
    case 'created':
      return 'Created'
    case 'running':
      return `Up ${humanDuration(now.getTime() - startedAt.getTime())}`
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
