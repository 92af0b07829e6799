import type { Command } from 'commander'
import { keyValues, parseKeyValue } from '../../container/flag-values/key-values.ts'
import { TsctrError } from '../../errors.ts'
import { createVolume } from '../../volume/create-volume.ts'
import { anonymousVolumeName, parseVolumeName } from '../../volume/volume-name.ts'
import { withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'

interface VolumeCreateFlags {
  readonly driver: 'local'
  readonly label?: readonly string[]
  readonly opt?: readonly string[]
  readonly name?: string
}

export function addVolumeCreateCommand(parent: Command): void {
  parent
    .command('create [volume]')
    .description('Make a volume; one that is there stays as it is')
    .option('-d, --driver <driver>', 'only local', single('--driver', parseDriver), 'local')
    .option('--label <name=value>', 'set a label', repeated('--label', parseKeyValue))
    .option(
      '-o, --opt <name=value>',
      'type, device and o: what is mounted while a container uses it, as in type=tmpfs, device=tmpfs, o=size=64m',
      repeated('--opt', parseKeyValue),
    )
    .option('--name <name>', 'the same as the operand')
    .action((operand: string | undefined, flags: VolumeCreateFlags, command: Command) => {
      const typed = operand ?? flags.name
      const name = typed === undefined ? anonymousVolumeName() : parseVolumeName(typed)
      return withContext(command, async (ctx) => {
        createVolume(ctx, {
          name,
          isAnonymous: typed === undefined,
          options: keyValues(flags.opt ?? []),
          labels: keyValues(flags.label ?? []),
        })
        ctx.stdout.line(name)
      })
    })
}

function parseDriver(text: string): 'local' {
  if (text === 'local') return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: no such driver`, {
    hint: 'local',
  })
}
