import type { Command } from 'commander'
import { topContainer } from '../../container/top.ts'
import { withContext } from '../context.ts'

export function addTopCommand(parent: Command): void {
  parent
    .command('top <container> [ps-options...]')
    .description('Show the processes of a container')
    // Options after the container are those of ps.
    .passThroughOptions()
    .action((name: string, psArguments: string[], _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        for (const line of await topContainer(ctx, { name, psArguments })) ctx.stdout.line(line)
      }),
    )
}
