import { TsctrError } from '../../errors.ts'
import { parseGoDuration } from '../../oci/go-duration.ts'

/** Docker takes no shorter time for one. */
const minNs = 1_000_000

/**
 * A time of a health check, `1m30s`.
 *
 * @returns  nanoseconds; 0 stands for "not said"
 * @throws   INVALID_ARGUMENT
 * Source: docker run --health-interval; moby daemon/container.go validateHealthCheck
 */
export function parseHealthTime(text: string): number {
  const ns = parseGoDuration(text)
  if (ns === 0 || (ns !== undefined && ns >= minNs)) return ns
  const message = `${JSON.stringify(text)}: not a time of at least 1ms, such as 500ms, 30s or 1m30s`
  throw new TsctrError('INVALID_ARGUMENT', message)
}
