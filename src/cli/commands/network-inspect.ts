import type { Command } from 'commander'
import { inspectNetwork } from '../../container/networks/inspect-network.ts'
import { withContext } from '../context.ts'
import { inspectTargets } from '../inspect-targets.ts'

export function addNetworkInspectCommand(parent: Command): void {
  parent
    .command('inspect <network...>')
    .description('Show all that is known of networks')
    .option('-f, --format <template>', "a Go template, or 'json'")
    .action((names: string[], { format }: { format?: string }, command: Command) =>
      withContext(command, (ctx) =>
        inspectTargets(ctx, {
          names,
          kind: 'network',
          format,
          inspect: (name) => inspectNetwork(ctx, name),
        }),
      ),
    )
}
