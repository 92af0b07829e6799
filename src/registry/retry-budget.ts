import { setTimeout as delay } from 'node:timers/promises'

export interface RetryPolicy {
  /** How often a thing is tried before its failure is the user's. */
  readonly maxTries: number
  /** Doubled with each failure. */
  readonly firstWaitMs: number
  /** Each wait is as long as the first. */
  readonly isSteady?: boolean | undefined
  /** No further try after so long without progress; no wait goes beyond it. */
  readonly maxStallMs: number
  readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>
  /** Milliseconds of any origin, never going back. */
  readonly now: () => number
}

export const defaultRetryPolicy: RetryPolicy = {
  maxTries: 5,
  firstWaitMs: 200,
  maxStallMs: 60_000,
  sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
  now: () => performance.now(),
}

/** So much must arrive before earlier failures are forgotten: else a byte a try would last for ever. */
const progressBytes = 1024 * 1024

/** Counts the failures of one transfer and waits between its tries. */
export class RetryBudget {
  readonly #policy: RetryPolicy
  readonly #signal: AbortSignal | undefined
  #failures = 0
  #arrivedBytes = 0
  #progressAt: number

  constructor(policy: RetryPolicy, signal: AbortSignal | undefined) {
    this.#policy = policy
    this.#signal = signal
    this.#progressAt = policy.now()
  }

  /** Bytes that will not be fetched again. */
  arrived(bytes: number): void {
    this.#arrivedBytes += bytes
    if (this.#arrivedBytes < progressBytes) return
    this.#arrivedBytes = 0
    this.#failures = 0
    this.#progressAt = this.#policy.now()
  }

  /**
   * Wait before the next try.
   *
   * @param retryAfterMs  what the server asked for
   * @throws              `failure` if that was the last try
   */
  async spend(failure: unknown, retryAfterMs?: number): Promise<void> {
    this.#signal?.throwIfAborted()
    this.#failures += 1
    const { maxTries, firstWaitMs, isSteady = false, maxStallMs, sleep, now } = this.#policy
    const leftMs = this.#progressAt + maxStallMs - now()
    if (this.#failures >= maxTries || leftMs <= 0) throw failure
    const backoffMs = isSteady ? firstWaitMs : firstWaitMs * 2 ** (this.#failures - 1)
    await sleep(Math.min(Math.max(retryAfterMs ?? 0, backoffMs), leftMs), this.#signal)
  }
}

/**
 * How long a server asks to wait.
 *
 * @param value  seconds, an HTTP date, or (as Docker Hub has sent) seconds since the epoch
 * @returns      undefined where it cannot be told; never negative
 * Source: RFC 9110 §10.2.3
 */
export function retryAfterMs(value: string | null, now = Date.now()): number | undefined {
  if (value === null) return undefined
  const text = value.trim()
  if (/^\d+$/.test(text)) {
    const seconds = Number(text)
    // No server asks for thirty years: it is a point in time.
    return seconds > 1_000_000_000 ? Math.max(0, seconds * 1000 - now) : seconds * 1000
  }
  const time = /[a-z]/i.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : Math.max(0, time - now)
}
