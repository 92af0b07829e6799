import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { isAlive } from '../../host/owner.ts'
import { type LeaseRecord, listLeases } from '../../store/leases.ts'
import { withContext } from '../context.ts'
import { type Row, type RowLayout, renderRows } from '../render/format.ts'
import { humanAge } from '../render/human-duration.ts'
import { localTime } from '../render/local-time.ts'

export function addLeaseLsCommand(parent: Command): void {
  parent
    .command('ls')
    .description('List leases: what running commands keep from gc')
    .option('-q, --quiet', 'print ids alone')
    .option('--format <format>', "'table', 'json', a Go template, or 'table TEMPLATE'")
    .action(({ quiet, format }: { quiet?: boolean; format?: string }, command: Command) =>
      withContext(command, async (ctx) => {
        const leases = listLeases(ctx.database)
        if (quiet === true) {
          for (const { id } of leases) ctx.stdout.line(id)
          return
        }
        const rows = leases.map((lease) => rowOf(lease, new Date()))
        ctx.stdout.write(renderRows(rows, layout, { format, isTerminal: isatty(1) }))
      }),
    )
}

const layout: RowLayout = {
  headers: {
    ID: 'ID',
    Created: 'CREATED',
    CreatedAt: 'CREATED AT',
    Owner: 'OWNER',
    Pid: 'PID',
    IsAlive: 'ALIVE',
    Expires: 'EXPIRES',
    Purpose: 'PURPOSE',
    Holds: 'HOLDS',
    Blobs: 'BLOBS',
    Snapshots: 'SNAPSHOTS',
  },
  table: ['ID', 'Created', 'Owner', 'Expires', 'Purpose', 'Holds'],
}

function rowOf(lease: LeaseRecord, now: Date): Row {
  const { id, createdAt, owner, expiresAt, purpose, blobs, snapshots } = lease
  const alive = isAlive(owner)
  return {
    ID: id,
    Created: humanAge(createdAt, now),
    CreatedAt: localTime(createdAt),
    Owner: `${owner.pid} (${alive ? 'alive' : 'dead'})`,
    Pid: owner.pid,
    IsAlive: alive,
    Expires: expiresAt === undefined ? 'with its process' : localTime(expiresAt),
    Purpose: purpose,
    Holds: `${blobs.length} blobs, ${snapshots.length} snapshots`,
    Blobs: blobs,
    Snapshots: snapshots,
  }
}
