import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ResourceLimits } from '../../src/container/config.ts'
import { limitContradiction } from '../../src/container/limit-contradiction.ts'

const cases: readonly [Partial<ResourceLimits>, RegExp | undefined][] = [
  [{}, undefined],
  [{ nanoCpus: 1e9, cpuPeriodUs: 1000 }, /^--cpus: contradicts --cpu-period$/],
  [{ nanoCpus: 1e9, cpuQuotaUs: 1000 }, /^--cpus: contradicts --cpu-quota$/],
  [{ cpuPeriodUs: 1000, cpuQuotaUs: 1000 }, undefined],
  [{ memorySwapBytes: 10 }, /^--memory-swap: needs --memory too$/],
  [{ memoryBytes: 10, memorySwapBytes: 9 }, /^--memory-swap: counts memory and swap together/],
  [{ memoryBytes: 10, memorySwapBytes: 10 }, undefined],
  [{ memoryBytes: 10, memorySwapBytes: -1 }, undefined],
  [{ memoryBytes: 10, memoryReservationBytes: 11 }, /^--memory-reservation: above --memory$/],
  [{ memoryReservationBytes: 11 }, undefined],
]
for (const [limits, expected] of cases) {
  test(`${JSON.stringify(limits)}: ${expected?.source ?? 'nothing'}`, () => {
    const found = limitContradiction(limits)
    if (expected === undefined) assert.equal(found, undefined)
    else assert.match(found ?? '', expected)
  })
}
