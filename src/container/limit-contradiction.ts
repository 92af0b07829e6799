import type { ResourceLimits } from './config.ts'

/**
 * What in a container's limits cannot be true together, in words that begin with a flag.
 *
 * @returns  undefined if there is nothing
 * Source: docker run, "Runtime constraints on resources"
 */
export function limitContradiction(limits: Partial<ResourceLimits>): string | undefined {
  const { nanoCpus, cpuPeriodUs, cpuQuotaUs, memoryBytes } = limits
  const { memorySwapBytes, memoryReservationBytes = 0 } = limits
  if (nanoCpus !== undefined && cpuPeriodUs !== undefined) return '--cpus: contradicts --cpu-period'
  if (nanoCpus !== undefined && cpuQuotaUs !== undefined) return '--cpus: contradicts --cpu-quota'
  if (memorySwapBytes !== undefined && memoryBytes === undefined) {
    return '--memory-swap: needs --memory too'
  }
  if (memorySwapBytes !== undefined && memorySwapBytes !== -1) {
    if (memorySwapBytes < (memoryBytes ?? 0)) {
      return '--memory-swap: counts memory and swap together, so it cannot be below --memory'
    }
  }
  return memoryReservationBytes > (memoryBytes ?? Infinity)
    ? '--memory-reservation: above --memory'
    : undefined
}
