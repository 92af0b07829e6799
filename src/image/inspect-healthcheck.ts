import type { ImageHealthcheck } from '../oci/image-config.ts'
import { withOptional } from '../oci/nil.ts'

/** Source: docker Engine API "HealthConfig" */
export function inspectHealthcheck({
  test,
  ...times
}: Partial<ImageHealthcheck> & Pick<ImageHealthcheck, 'test'>): object {
  return withOptional(
    { Test: test },
    {
      Interval: [times.intervalNs, 0],
      Timeout: [times.timeoutNs, 0],
      StartPeriod: [times.startPeriodNs, 0],
      StartInterval: [times.startIntervalNs, 0],
      Retries: [times.retries, 0],
    },
  )
}
