import type { Command } from 'commander'
import { oneOf } from '../../container/flag-values/one-of.ts'
import { parseWaitInterval } from '../../container/flag-values/wait-interval.ts'
import {
  noExitCode,
  type WaitCondition,
  waitConditions,
  waitContainer,
} from '../../container/wait.ts'
import { hasCode } from '../../errors.ts'
import { withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'
import { forEachTarget } from '../targets.ts'

interface WaitFlags {
  readonly condition?: readonly WaitCondition[]
  readonly interval: number
  readonly ignore?: boolean
}

const defaultIntervalMs = 250

export function addWaitCommand(parent: Command): void {
  parent
    .command('wait <container...>')
    .description('Wait until containers have ended, then print their exit codes')
    .option(
      '--condition <condition>',
      `wait for another condition, or one of several, and print -1: ${waitConditions.join(', ')}`,
      repeated('--condition', oneOf(...waitConditions)),
    )
    .option(
      '-i, --interval <time>',
      'how often to look, in ms or such as 1s (default 250ms)',
      single('--interval', parseWaitInterval),
      defaultIntervalMs,
    )
    .option('--ignore', 'print -1 for a container that is not there')
    .action((names: string[], flags: WaitFlags, command: Command) =>
      withContext(command, async (ctx) => {
        // All at once: one with --rm that ends before the others would be gone at its turn.
        const waits = names.map((name) =>
          waitContainer(ctx, {
            name,
            conditions: flags.condition ?? [],
            lookEveryMs: flags.interval,
          }).catch((error) => {
            if (flags.ignore === true && hasCode(error, 'NOT_FOUND')) return noExitCode
            throw error
          }),
        )
        for (const wait of waits) wait.catch(() => {})
        await forEachTarget(waits, async (wait) => ctx.stdout.line(String(await wait)))
      }),
    )
}
