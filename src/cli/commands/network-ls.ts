import { isatty } from 'node:tty'
import type { Command } from 'commander'
import {
  type ListedNetwork,
  listAllNetworks,
  type NetworkFilter,
} from '../../container/networks/list-networks.ts'
import { parseNetworkFilter } from '../../container/networks/network-filters.ts'
import { withContext } from '../context.ts'
import { repeated } from '../flag-parser.ts'
import { shortId } from '../render/ellipsis.ts'
import { labelHeader, type Row, type RowLayout, renderRows } from '../render/format.ts'
import { localTime } from '../render/local-time.ts'

interface NetworkLsFlags {
  readonly filter?: readonly NetworkFilter[]
  readonly format?: string
  readonly quiet?: boolean
  readonly trunc: boolean
}

/** Source: docker network ls, "Format the output" */
const layout: RowLayout = {
  headers: {
    ID: 'NETWORK ID',
    Name: 'NAME',
    Driver: 'DRIVER',
    Scope: 'SCOPE',
    IPv4: 'IPV4',
    IPv6: 'IPV6',
    Internal: 'INTERNAL',
    Labels: 'LABELS',
    Label: labelHeader,
    CreatedAt: 'CREATED AT',
  },
  table: ['ID', 'Name', 'Driver', 'Scope'],
}

export function addNetworkLsCommand(parent: Command): void {
  parent
    .command('ls')
    .description('List networks')
    .option(
      '-f, --filter <key=value>',
      'dangling, driver, id, label, label!, name, scope, type',
      repeated('--filter', parseNetworkFilter),
    )
    .option('--format <format>', "'table', 'json', a Go template, or 'table TEMPLATE'")
    .option('--no-trunc', 'print whole ids')
    .option('-q, --quiet', 'print ids alone')
    .action((flags: NetworkLsFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const networks = await listAllNetworks(ctx, flags.filter ?? [])
        const rows = networks.map((network) => rowOf(network, flags.trunc))
        if (flags.quiet === true) {
          return ctx.stdout.write(rows.map(({ ID }) => `${String(ID)}\n`).join(''))
        }
        const options = { format: flags.format, isTerminal: isatty(1) }
        ctx.stdout.write(renderRows(rows, layout, options))
      }),
    )
}

function rowOf(network: ListedNetwork, trunc: boolean): Row {
  const { labels } = network
  return {
    ID: trunc ? shortId(network.id) : network.id,
    Name: network.name,
    Driver: network.driver,
    Scope: 'local',
    IPv4: 'true',
    IPv6: 'false',
    Internal: String(network.isInternal),
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(','),
    Label: (key: string) => (Object.hasOwn(labels, key) ? labels[key] : ''),
    get CreatedAt() {
      return localTime(network.createdAt)
    },
  }
}
