import type { Command } from 'commander'
import { oneOf } from '../../container/flag-values/one-of.ts'
import { inspectContainer } from '../../container/inspect-container.ts'
import { hasCode } from '../../errors.ts'
import { inspectImage } from '../../image/inspect-image.ts'
import { type Context, withContext } from '../context.ts'
import { single } from '../flag-parser.ts'
import { wantedPlatform } from '../image-platform.ts'
import { inspectTargets } from '../inspect-targets.ts'

type ObjectType = 'container' | 'image'

interface InspectFlags {
  readonly format?: string
  readonly size?: boolean
  readonly type?: ObjectType
}

export function addInspectCommand(parent: Command): void {
  parent
    .command('inspect <object...>')
    .description('Show all that is known of containers and images')
    .option('-f, --format <template>', "a Go template, or 'json'")
    .option('-s, --size', 'with the sizes of containers on disk')
    .option(
      '--type <type>',
      'container or image; otherwise a container, if there is one of that name, else an image',
      single('--type', oneOf<ObjectType>('container', 'image')),
    )
    .action((names: string[], flags: InspectFlags, command: Command) =>
      withContext(command, (ctx) =>
        inspectTargets(ctx, {
          names,
          kind: flags.type ?? 'object',
          format: flags.format,
          inspect: (name) => inspectObject(ctx, name, flags),
        }),
      ),
    )
}

async function inspectObject(
  ctx: Context,
  name: string,
  { type, size }: InspectFlags,
): Promise<object> {
  if (type !== 'image') {
    try {
      return await inspectContainer(ctx, name, { withSize: size === true })
    } catch (error) {
      if (type === 'container' || !hasCode(error, 'NOT_FOUND')) throw error
    }
  }
  return inspectImage(ctx, { text: name, preferred: wantedPlatform() })
}
