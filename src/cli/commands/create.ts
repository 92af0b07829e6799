import type { Command } from 'commander'
import { withContext } from '../context.ts'
import { createFromFlags } from './create-from-flags.ts'
import { addRunFlags, type RunFlags } from './run-flags.ts'

export function addCreateCommand(parent: Command): void {
  const command = parent
    .command('create <image> [args...]')
    .description('Create a container without starting it')
  addRunFlags(command, 'create').action(
    (image: string, args: string[], flags: RunFlags, self: Command) =>
      withContext(self, async (ctx) => {
        const { id } = await createFromFlags(ctx, flags, image, args, 'create')
        ctx.stdout.line(id)
      }),
  )
}
