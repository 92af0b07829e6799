import type { Command } from 'commander'
import { exportVolume } from '../../container/volumes/export-volume.ts'
import { writeArchive } from '../archive-output.ts'
import { withContext } from '../context.ts'
import { interruptible } from '../interrupt.ts'

export function addVolumeExportCommand(parent: Command): void {
  parent
    .command('export <volume>')
    .description('Write what is in a volume as a tar archive')
    .option('-o, --output <file>', 'write to a file instead of stdout')
    .action((name: string, { output }: { output?: string }, command: Command) =>
      withContext(command, (ctx) =>
        interruptible((signal) =>
          writeArchive(output, (write) => exportVolume(ctx, { name, write, signal })),
        ),
      ),
    )
}
