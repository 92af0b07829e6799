import type { Command } from 'commander'
import { topContainer } from '../../container/top.ts'
import { withContext } from '../context.ts'
import { escapeControls } from '../render/escape.ts'
import { renderTable } from '../render/table.ts'

/** Source: docker/cli container/top.go */
const spacing = { minWidth: 20, padding: 3 }

export function addTopCommand(parent: Command): void {
  parent
    .command('top <container> [ps-options...]')
    .description('Show the processes of a container')
    // Options after the container are those of ps.
    .passThroughOptions()
    .action((name: string, psArguments: string[], _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        const { titles, processes } = await topContainer(ctx, { name, psArguments })
        const cells = processes.map((process) => process.map(escapeControls))
        ctx.stdout.write(renderTable(titles, cells, spacing))
      }),
    )
}
