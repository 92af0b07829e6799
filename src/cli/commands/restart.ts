import type { Command } from 'commander'
import { restartContainer } from '../../container/restart.ts'
import { withContext } from '../context.ts'
import { forEachTarget } from '../targets.ts'
import { addStopFlags, type StopFlags, stopRequest } from './stop.ts'

export function addRestartCommand(parent: Command): void {
  addStopFlags(
    parent.command('restart <container...>').description('Stop and start containers'),
  ).action((names: string[], flags: StopFlags, command: Command) =>
    withContext(command, async (ctx) => {
      await forEachTarget(names, async (name) => {
        await restartContainer(ctx, { name, ...stopRequest(flags) })
        ctx.stdout.line(name)
      })
    }),
  )
}
