import type { Command } from 'commander'
import { asConfig } from '../../container/config.ts'
import { findContainer } from '../../store/containers.ts'
import { withContext } from '../context.ts'
import { shellWord } from '../render/shell-word.ts'

/** Podman keeps the words too (CreateCommand); this prints them so that a shell takes them again. */
export function addContainerShowRunCommand(parent: Command): void {
  parent
    .command('show-run <container>')
    .description('Print the command that made a container')
    .action((name: string, _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        const { config } = findContainer(ctx.database, ctx.namespace, name)
        ctx.stdout.line(asConfig(config).createCommand.map(shellWord).join(' '))
      }),
    )
}
