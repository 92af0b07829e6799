import type { Command } from 'commander'
import { tagImage } from '../../image/tag.ts'
import { withContext } from '../context.ts'
import { wantedPlatform } from '../image-platform.ts'

export function addTagCommand(parent: Command): void {
  parent
    .command('tag <image> <name>')
    .description('Give an image one more name; a name that is taken moves')
    .action((image: string, name: string, _flags: object, command: Command) =>
      withContext(command, async (ctx) => {
        tagImage(ctx, image, name, wantedPlatform())
      }),
    )
}
