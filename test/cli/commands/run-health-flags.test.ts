import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Command } from 'commander'
import { addHealthFlags, healthcheckFrom } from '../../../src/cli/commands/run-health-flags.ts'
import type { Healthcheck } from '../../../src/container/config.ts'

function parse(...args: string[]): Healthcheck | undefined {
  const command = new Command().exitOverride()
  addHealthFlags(command)
  return healthcheckFrom(command.parse(args, { from: 'user' }).opts())
}

test('health flags are read as docker reads them', () => {
  assert.equal(parse(), undefined)
  assert.equal(parse('--health-interval', '0', '--health-retries', '0'), undefined)
  assert.deepEqual(parse('--no-healthcheck'), { test: ['NONE'] })
  const all = [
    ['--health-cmd', 'a || exit 1'],
    ['--health-interval', '1m30s'],
    ['--health-timeout', '1ms'],
    ['--health-retries', '2'],
    ['--health-start-period', '1h'],
    ['--health-start-interval', '500ms'],
  ]
  assert.deepEqual(parse(...all.flat()), {
    test: ['CMD-SHELL', 'a || exit 1'],
    intervalNs: 90e9,
    timeoutNs: 1e6,
    startPeriodNs: 3600e9,
    startIntervalNs: 5e8,
    retries: 2,
  })
})

test('a value that cannot be is refused with its flag', () => {
  for (const value of ['-1s', '999us', '5', 'soon', '']) {
    assert.throws(() => parse('--health-timeout', value), {
      message: `--health-timeout ${JSON.stringify(value)}: not a time of at least 1ms, such as 500ms, 30s or 1m30s`,
    })
  }
  assert.throws(() => parse('--health-retries', '-1'), /^TsctrError: --health-retries "-1"/)
  assert.throws(() => parse('--no-healthcheck', '--health-cmd', 'true'), {
    message: '--no-healthcheck: contradicts --health-…',
  })
})
