import type { Command } from 'commander'
import { importVolume } from '../../container/volumes/import-volume.ts'
import { openArchive } from '../archive-input.ts'
import { withContext } from '../context.ts'
import { interruptible } from '../interrupt.ts'

export function addVolumeImportCommand(parent: Command): void {
  parent
    .command('import <volume> <file|->')
    .description('Unpack a tar archive, plain, gzip or zstd, into a volume')
    .action((name: string, source: string, _flags: object, command: Command) =>
      withContext(command, (ctx) =>
        interruptible((signal) => {
          const input = openArchive(source, signal)
          return importVolume(ctx, { name, input, source, signal })
        }),
      ),
    )
}
