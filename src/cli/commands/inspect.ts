import type { Command } from 'commander'
import { oneOf } from '../../container/flag-values/one-of.ts'
import { inspectContainer } from '../../container/inspect-container.ts'
import { inspectNetwork } from '../../container/networks/inspect-network.ts'
import { hasCode, TsctrError } from '../../errors.ts'
import { inspectImage } from '../../image/inspect-image.ts'
import { inspectVolume } from '../../volume/inspect-volume.ts'
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
  const inspections: readonly (readonly [ObjectType, () => object | Promise<object>])[] = [
    ['container', () => inspectContainer(ctx, name, { withSize: size === true })],
    ['image', () => inspectImage(ctx, { text: name, preferred: wantedPlatform() })],
    ['volume', () => inspectVolume(ctx, name)],
    ['network', () => inspectNetwork(ctx, name)],
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
