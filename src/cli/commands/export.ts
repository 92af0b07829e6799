import type { Command } from 'commander'
import { exportContainer } from '../../container/export.ts'
import { writeArchive } from '../archive-output.ts'
import { withContext } from '../context.ts'
import { interruptible } from '../interrupt.ts'

export function addExportCommand(parent: Command): void {
  parent
    .command('export <container>')
    .description("Write a container's files as a tar archive")
    .option('-o, --output <file>', 'write to a file instead of stdout')
    .action((name: string, { output }: { output?: string }, command: Command) =>
      withContext(command, (ctx) =>
        interruptible((signal) =>
          writeArchive(output, (write) => exportContainer(ctx, { name, write, signal })),
        ),
      ),
    )
}
