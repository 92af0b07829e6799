import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ellipsis, shortId } from '../../../src/cli/render/ellipsis.ts'
import { humanAge, humanDuration } from '../../../src/cli/render/human-duration.ts'
import { humanMemory, humanSize, humanTransfer } from '../../../src/cli/render/human-size.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

test("durations in docker's words", () => {
  const table: ReadonlyArray<readonly [number, string]> = [
    [-5 * second, 'Less than a second'],
    [999, 'Less than a second'],
    [1999, '1 second'],
    [2 * second, '2 seconds'],
    [59_999, '59 seconds'],
    [minute, 'About a minute'],
    [2 * minute - 1, 'About a minute'],
    [2 * minute, '2 minutes'],
    [60 * minute - 1, '59 minutes'],
    [hour, 'About an hour'],
    [1.5 * hour - 1, 'About an hour'],
    [1.5 * hour, '2 hours'],
    [3 * hour, '3 hours'],
    [47 * hour, '47 hours'],
    [2 * day, '2 days'],
    [13 * day, '13 days'],
    [14 * day, '2 weeks'],
    [5 * 7 * day, '5 weeks'],
    [59 * day, '8 weeks'],
    [60 * day, '2 months'],
    [90 * day, '3 months'],
    [2 * 365 * day - hour, '24 months'],
    [2 * 365 * day, '2 years'],
  ]
  for (const [milliseconds, words] of table) assert.equal(humanDuration(milliseconds), words)
  const now = new Date('2026-01-01T00:02:00Z')
  assert.equal(humanAge(new Date('2026-01-01T00:00:00Z'), now), '2 minutes ago')
})

test('sizes in powers of 1000', () => {
  const table: ReadonlyArray<readonly [number, number, string]> = [
    [0, 4, '0B'],
    [2, 3, '2B'],
    [999, 3, '999B'],
    [1000, 3, '1kB'],
    [21_500_000, 3, '21.5MB'],
    [21_549_999, 3, '21.5MB'],
    [1_234_567, 4, '1.235MB'],
    [1_234_567, 3, '1.23MB'],
    // docker prints 1e+03kB for these: its unit is chosen before rounding.
    [999_999, 3, '1MB'],
    [999_960, 4, '1MB'],
    [8e24, 4, '8YB'],
    [8e27, 4, '8000YB'],
  ]
  for (const [bytes, digits, text] of table) assert.equal(humanSize(bytes, digits), text)
})

test('sizes in powers of 1024', () => {
  assert.equal(humanMemory(0), '0B')
  assert.equal(humanMemory(13_107_200), '12.5MiB')
  assert.equal(humanMemory(1024 ** 3), '1GiB')
  assert.equal(humanTransfer(512), '512 B')
  assert.equal(humanTransfer(3.2 * 1024 ** 2), '3.2 MiB')
  assert.equal(humanTransfer(1024 ** 2 - 1), '1.0 MiB')
})

test('text is cut to a width, an id to 12 characters', () => {
  assert.equal(ellipsis('docker-entrypoint.sh redis', 20), 'docker-entrypoint.s…')
  assert.equal(ellipsis('docker-entrypoint.sh', 20), 'docker-entrypoint.sh')
  assert.equal(ellipsis('😀😀😀', 2), '😀…')
  assert.equal(shortId(`sha256:${'ab'.repeat(32)}`), 'abababababab')
  assert.equal(shortId('ab'.repeat(32)), 'abababababab')
})
