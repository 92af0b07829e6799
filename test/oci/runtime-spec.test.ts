import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRuntimeSpec, type RuntimeSpec, rlimitInfinity } from '../../src/oci/runtime-spec.ts'

// 2^64-1 is no JavaScript number: printed as one it is 18446744073709552000, which runc refuses.
test('"no limit" is written with all its digits', () => {
  const process = { rlimits: [{ type: 'RLIMIT_CORE', soft: 0n, hard: rlimitInfinity }] }
  const text = formatRuntimeSpec({ process } as unknown as RuntimeSpec)
  assert.match(text, /"soft":0,"hard":18446744073709551615\}/)
})
