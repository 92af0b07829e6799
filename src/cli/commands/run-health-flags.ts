import type { Command } from 'commander'
import type { Healthcheck } from '../../container/config.ts'
import { parseHealthTime } from '../../container/flag-values/health-time.ts'
import { wholeNumber } from '../../container/flag-values/number.ts'
import { TsctrError } from '../../errors.ts'
import { single } from '../flag-parser.ts'

/** What commander makes of the flags below. */
export interface HealthFlags {
  readonly healthCmd?: string
  readonly healthInterval?: number
  readonly healthRetries?: number
  readonly healthStartInterval?: number
  readonly healthStartPeriod?: number
  readonly healthTimeout?: number
  /** commander's name for `--no-healthcheck`. */
  readonly healthcheck?: boolean
}

/** Add docker's flags of health checks. */
export function addHealthFlags(command: Command): void {
  const time = (flag: string): ((text: string) => number) => single(flag, parseHealthTime)
  command
    .option('--health-cmd <line>', 'line for the shell of the image that checks the health')
    .option('--health-interval <time>', 'between checks (default 30s)', time('--health-interval'))
    .option('--health-timeout <time>', 'for one check (default 30s)', time('--health-timeout'))
    .option(
      '--health-retries <number>',
      'failures in a row that make it unhealthy (default 3)',
      single('--health-retries', wholeNumber(0, 0x7fffffff)),
    )
    .option(
      '--health-start-period <time>',
      'failures do not count until then (default 0s)',
      time('--health-start-period'),
    )
    .option(
      '--health-start-interval <time>',
      'between checks in the start period (default 5s)',
      time('--health-start-interval'),
    )
    .option('--no-healthcheck', 'check nothing, whatever the image says')
}

/**
 * What they say together.
 *
 * @returns  undefined if nothing
 * @throws   INVALID_ARGUMENT
 * Source: docker/cli opts.go parse
 */
export function healthcheckFrom(flags: HealthFlags): Healthcheck | undefined {
  const given = {
    // Empty and 0 are as good as not given.
    test: flags.healthCmd ? ['CMD-SHELL', flags.healthCmd] : [],
    intervalNs: flags.healthInterval || undefined,
    timeoutNs: flags.healthTimeout || undefined,
    startPeriodNs: flags.healthStartPeriod || undefined,
    startIntervalNs: flags.healthStartInterval || undefined,
    retries: flags.healthRetries || undefined,
  }
  const { test, ...numbers } = given
  const isAnyGiven = test.length > 0 || Object.values(numbers).some((value) => value !== undefined)
  if (flags.healthcheck !== false) return isAnyGiven ? given : undefined
  if (!isAnyGiven) return { test: ['NONE'] }
  throw new TsctrError('INVALID_ARGUMENT', '--no-healthcheck: contradicts --health-…')
}
