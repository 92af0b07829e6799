import type { Command } from 'commander'
import { findSnapshotByName } from '../../snapshot/find-by-name.ts'
import { showMounts } from '../../snapshot/show-mounts.ts'
import type { Mount, Snapshotter } from '../../snapshot/snapshotter.ts'
import { listContainers } from '../../store/containers.ts'
import { type Context, withContext } from '../context.ts'
import { stringifyJson } from '../render/json.ts'

export function addSnapshotMountsCommand(parent: Command): void {
  parent
    .command('mounts <target> <key>')
    .description('Print the command that mounts a snapshot; a number or the start of a key will do')
    .option('--json', 'print type, source and options instead')
    .action((target: string, key: string, { json }: { json?: boolean }, command: Command) =>
      withContext(command, async (ctx) => {
        const snapshot = findSnapshotByName(ctx.snapshots, key)
        const mounts = showMounts(snapshotterOf(ctx, snapshot.key), snapshot.key)
        if (json === true) {
          const shown = mounts.map(({ type, source, options }) => ({
            type,
            source,
            target,
            options,
          }))
          ctx.stdout.line(stringifyJson(shown))
          return
        }
        for (const mount of mounts) ctx.stdout.line(mountCommand(mount, target))
      }),
    )
}

/** A container's snapshot is mounted as the snapshotter does that it was made with. */
function snapshotterOf(ctx: Context, key: string): Snapshotter {
  const user = listContainers(ctx.database).find(({ snapshotKey }) => snapshotKey === key)
  return user === undefined ? ctx.snapshots : ctx.snapshotter(user.snapshotter)
}

/** A line for a shell. Source: ctr snapshots mounts */
function mountCommand({ type, source, options }: Mount, target: string): string {
  const words = ['mount', '-t', type, source, target, '-o', options.join(',')]
  return words.map(quoted).join(' ')
}

function quoted(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word
  return `'${word.replaceAll("'", `'\\''`)}'`
}
