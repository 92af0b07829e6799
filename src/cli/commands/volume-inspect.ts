import type { Command } from 'commander'
import { inspectVolume } from '../../volume/inspect-volume.ts'
import { withContext } from '../context.ts'
import { inspectTargets } from '../inspect-targets.ts'

export function addVolumeInspectCommand(parent: Command): void {
  parent
    .command('inspect <volume...>')
    .description('Show all that is known of volumes')
    .option('-f, --format <template>', "a Go template, or 'json'")
    .action((names: string[], { format }: { format?: string }, command: Command) =>
      withContext(command, (ctx) =>
        inspectTargets(ctx, {
          names,
          kind: 'volume',
          format,
          inspect: async (name) => inspectVolume(ctx, name),
        }),
      ),
    )
}
