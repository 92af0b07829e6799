import { TsctrError } from '../../errors.ts'
import type { ImageHealthcheck } from '../../oci/image-config.ts'
import type { Healthcheck } from '../config.ts'

/** Docker takes no shorter time for one. */
const minNs = 1_000_000
const nsPerMs = 1_000_000

/** A health check as it is carried out. */
export interface HealthProbe {
  /** The command line in the container. */
  readonly args: readonly string[]
  readonly intervalMs: number
  readonly timeoutMs: number
  /** After the start; failures do not count until then, or until the first success. */
  readonly startPeriodMs: number
  /** Between checks while it starts. */
  readonly startIntervalMs: number
  /** So many failures in a row make a container unhealthy. */
  readonly retries: number
}

/**
 * The health check of a new container: the user's, field by field, over the image's.
 *
 * @returns  undefined if neither has one
 * @throws   INVALID_ARGUMENT for times that docker does not take
 * Source: moby daemon/commit.go merge, daemon/container.go validateHealthCheck
 */
export function mergeHealthcheck(
  asked: Healthcheck | undefined,
  ofImage: ImageHealthcheck | undefined,
): Healthcheck | undefined {
  if (asked === undefined && ofImage === undefined) return undefined
  const merged = {
    test: asked === undefined || asked.test.length === 0 ? (ofImage?.test ?? []) : asked.test,
    intervalNs: asked?.intervalNs ?? ofImage?.intervalNs,
    timeoutNs: asked?.timeoutNs ?? ofImage?.timeoutNs,
    startPeriodNs: asked?.startPeriodNs ?? ofImage?.startPeriodNs,
    startIntervalNs: asked?.startIntervalNs ?? ofImage?.startIntervalNs,
    retries: asked?.retries ?? ofImage?.retries,
  }
  const { test: _test, retries: _retries, ...times } = merged
  for (const [name, ns] of Object.entries(times)) {
    if (ns === undefined || ns >= minNs) continue
    const what = name
      .replace(/Ns$/, '')
      .replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    const message = `health check of the image: its ${what} of ${ns} ns is less than 1ms`
    throw new TsctrError('INVALID_ARGUMENT', message, {
      hint: `--no-healthcheck, or --health-${what}`,
    })
  }
  return merged
}

/**
 * What a health check comes to.
 *
 * @param shell  of the image, for CMD-SHELL
 * @returns      undefined if there is nothing to check
 * Source: moby daemon/health.go getProbe, monitor
 */
export function healthProbeOf(
  check: Healthcheck | undefined,
  shell: readonly string[] | undefined,
): HealthProbe | undefined {
  const [kind, ...rest] = check?.test ?? []
  if (check === undefined || (kind !== 'CMD' && kind !== 'CMD-SHELL')) return undefined
  return {
    args: kind === 'CMD' ? rest : [...(shell ?? ['/bin/sh', '-c']), ...rest],
    intervalMs: milliseconds(check.intervalNs) ?? 30_000,
    timeoutMs: milliseconds(check.timeoutNs) ?? 30_000,
    startPeriodMs: milliseconds(check.startPeriodNs) ?? 0,
    startIntervalMs: milliseconds(check.startIntervalNs) ?? 5_000,
    retries: check.retries ?? 3,
  }
}

function milliseconds(ns: number | undefined): number | undefined {
  return ns === undefined ? undefined : ns / nsPerMs
}
