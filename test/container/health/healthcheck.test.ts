import assert from 'node:assert/strict'
import { test } from 'node:test'
import { healthProbeOf, mergeHealthcheck } from '../../../src/container/health/healthcheck.ts'
import type { ImageHealthcheck } from '../../../src/oci/image-config.ts'

const ofImage: ImageHealthcheck = {
  test: ['CMD', 'check', 'it'],
  intervalNs: 5e9,
  timeoutNs: 2e9,
  startPeriodNs: 60e9,
  startIntervalNs: undefined,
  retries: 7,
}

test('flags win field by field over the image', () => {
  assert.equal(mergeHealthcheck(undefined, undefined), undefined)
  assert.deepEqual(mergeHealthcheck(undefined, ofImage), ofImage)
  const merged = mergeHealthcheck({ test: [], intervalNs: 1e9, retries: 1 }, ofImage)
  assert.deepEqual(merged, { ...ofImage, intervalNs: 1e9, retries: 1 })
  assert.deepEqual(mergeHealthcheck({ test: ['NONE'] }, ofImage)?.test, ['NONE'])
})

test('a time of the image that docker would not take is refused', () => {
  assert.throws(() => mergeHealthcheck(undefined, { ...ofImage, startPeriodNs: 999_999 }), {
    code: 'INVALID_ARGUMENT',
    message: 'health check of the image: its start-period of 999999 ns is less than 1ms',
    hint: '--no-healthcheck, or --health-start-period',
  })
})

test('what is not said is docker’s default', () => {
  assert.deepEqual(healthProbeOf({ test: ['CMD-SHELL', 'a && b'] }, undefined), {
    args: ['/bin/sh', '-c', 'a && b'],
    intervalMs: 30_000,
    timeoutMs: 30_000,
    startPeriodMs: 0,
    startIntervalMs: 5_000,
    retries: 3,
  })
  const given = healthProbeOf(ofImage, ['/bin/bash', '-c'])
  assert.deepEqual(given?.args, ['check', 'it'])
  assert.equal(given?.intervalMs, 5000)
  assert.deepEqual(healthProbeOf({ test: ['CMD-SHELL', 'a'] }, ['/bin/bash', '-c'])?.args, [
    '/bin/bash',
    '-c',
    'a',
  ])
})

test('NONE, nothing and words that docker does not know check nothing', () => {
  for (const words of [['NONE'], [], ['SCRIPT', 'x']]) {
    assert.equal(healthProbeOf({ test: words }, undefined), undefined)
  }
  assert.equal(healthProbeOf(undefined, undefined), undefined)
})
