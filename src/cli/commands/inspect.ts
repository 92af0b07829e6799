import type { Command } from 'commander'
import { oneOf } from '../../container/flag-values/one-of.ts'
import { hasCode, TsctrError } from '../../errors.ts'
import { type Context, withContext } from '../context.ts'
import { single } from '../flag-parser.ts'
import { wantedPlatform } from '../image-platform.ts'
import { inspectTargets } from '../inspect-targets.ts'

type ObjectType = 'container' | 'image' | 'volume' | 'network'

interface InspectFlags {
  readonly format?: string
  readonly size?: boolean
  readonly type?: ObjectType
}

export function addInspectCommand(parent: Command): void {
  parent
    .command('inspect <object...>')
    .description('Show all that is known of containers, images, volumes and networks')
    .option('-f, --format <template>', "a Go template, or 'json'")
    .option('-s, --size', 'with the sizes of containers on disk')
    .option(
      '--type <type>',
      'container, image, volume or network; otherwise the first of them that has this name',
      single('--type', oneOf<ObjectType>('container', 'image', 'volume', 'network')),
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
  // Most are of one kind, and each kind takes a part of the program of its own.
  const inspections: readonly (readonly [ObjectType, () => Promise<object>])[] = [
    [
      'container',
      async () => {
        const { inspectContainer } = await import('../../container/inspect-container.ts')
        return inspectContainer(ctx, name, { withSize: size === true })
      },
    ],
    [
      'image',
      async () => {
        const { inspectImage } = await import('../../image/inspect-image.ts')
        return inspectImage(ctx, { text: name, preferred: wantedPlatform() })
      },
    ],
    [
      'volume',
      async () => {
        const { inspectVolume } = await import('../../volume/inspect-volume.ts')
        return inspectVolume(ctx, name)
      },
    ],
    [
      'network',
      async () => {
        const { inspectNetwork } = await import('../../container/networks/inspect-network.ts')
        return inspectNetwork(ctx, name)
      },
    ],
  ]
  const wanted = inspections.filter(([kind]) => type === undefined || kind === type)
  for (const [, inspect] of wanted) {
    try {
      return await inspect()
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND')) throw error
    }
  }
  throw new TsctrError('NOT_FOUND', `${name}: no such ${type ?? 'object'}`)
}
