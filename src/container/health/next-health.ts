import type { HealthProbe } from './healthcheck.ts'

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy'

export interface HealthState {
  readonly status: HealthStatus
  /** Failures since the last success that count. */
  readonly failingStreak: number
}

export const startingHealth: HealthState = { status: 'starting', failingStreak: 0 }

/**
 * What one more check makes of a container's health.
 *
 * @param result.startedAt  when the check began
 * @param containerStartedAt  when the container did
 * Source: moby daemon/health.go handleProbeResult
 */
export function nextHealth(
  state: HealthState,
  result: { readonly isSuccess: boolean; readonly startedAt: Date },
  probe: Pick<HealthProbe, 'retries' | 'startPeriodMs'>,
  containerStartedAt: Date,
): HealthState {
  if (result.isSuccess) return { status: 'healthy', failingStreak: 0 }
  const ageMs = result.startedAt.getTime() - containerStartedAt.getTime()
  if (state.status === 'starting' && ageMs < probe.startPeriodMs) return state
  const failingStreak = state.failingStreak + 1
  const isUnhealthy = failingStreak >= probe.retries
  return { status: isUnhealthy ? 'unhealthy' : state.status, failingStreak }
}

/** How long to wait before the next check. Source: moby daemon/health.go monitor */
export function nextCheckInMs(
  { status }: Pick<HealthState, 'status'>,
  probe: Pick<HealthProbe, 'intervalMs' | 'startIntervalMs' | 'startPeriodMs'>,
  containerAgeMs: number,
): number {
  const isStarting = status === 'starting' && containerAgeMs < probe.startPeriodMs
  return isStarting ? probe.startIntervalMs : probe.intervalMs
}
