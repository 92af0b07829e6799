import type { Command } from 'commander'
import { listContainerChanges } from '../../container/list-changes.ts'
import { withContext } from '../context.ts'
import { pathChangeLine } from '../render/path-changes.ts'

export function addDiffCommand(parent: Command): void {
  parent
    .command('diff <container>')
    .description('List what a container has added (A), changed (C) and deleted (D)')
    .action((name: string, _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        for (const change of await listContainerChanges(ctx, name)) {
          ctx.stdout.line(pathChangeLine(change))
        }
      }),
    )
}
