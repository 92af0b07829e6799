import type { Command } from 'commander'
import { inspectContainer } from '../../container/inspect-container.ts'
import { withContext } from '../context.ts'
import { inspectTargets } from '../inspect-targets.ts'

interface ContainerInspectFlags {
  readonly format?: string
  readonly size?: boolean
}

export function addContainerInspectCommand(parent: Command): void {
  parent
    .command('inspect <container...>')
    .description('Show all that is known of containers')
    .option('-f, --format <template>', "a Go template, or 'json'")
    .option('-s, --size', 'with sizes on disk')
    .action((names: string[], flags: ContainerInspectFlags, command: Command) =>
      withContext(command, (ctx) =>
        inspectTargets(ctx, {
          names,
          kind: 'container',
          format: flags.format,
          inspect: (name) => inspectContainer(ctx, name, { withSize: flags.size === true }),
        }),
      ),
    )
}
