import type { Command } from 'commander'
import { disconnectNetwork } from '../../container/networks/connect-network.ts'
import { withContext } from '../context.ts'

export function addNetworkDisconnectCommand(parent: Command): void {
  parent
    .command('disconnect <network> <container>')
    .description('Take a container out of a network, running or not')
    .action((network: string, container: string, _flags: object, command: Command) =>
      withContext(command, (ctx) => disconnectNetwork(ctx, { network, container })),
    )
}
