import type { Command } from 'commander'
import { judgeHealth } from '../../container/health/judge.ts'
import { endOfChecks, healthAnswer } from '../../runtime/health-helper.ts'
import { withContext } from '../context.ts'

/** What the helper of a health check runs when a check may have changed something. */
export function addHealthCommand(parent: Command): void {
  parent
    .command('health <id> <pid>')
    .description('Judge the last health check of a container')
    .action((id: string, pid: string, _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        const judgement = judgeHealth(ctx, id, Number(pid))
        if (judgement === undefined) {
          process.exitCode = endOfChecks
          return
        }
        ctx.stdout.line(healthAnswer(judgement.nextInMs, judgement.isSteady))
      }),
    )
}
