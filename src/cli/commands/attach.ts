import { type Command, Option } from 'commander'
import { attachContainer } from '../../container/attach.ts'
import { defaultDetachKeys, parseDetachKeys } from '../../container/detach-keys.ts'
import { withContext } from '../context.ts'
import { single } from '../flag-parser.ts'
import { processStdio } from '../process-stdio.ts'

interface AttachFlags {
  readonly detachKeys?: Buffer
  readonly stdin: boolean
  readonly sigProxy: boolean
}

export function addAttachCommand(parent: Command): void {
  parent
    .command('attach <container>')
    .description('Join stdin, stdout and stderr of a running container')
    .option(
      '--detach-keys <keys>',
      'keys that leave the container running (default "ctrl-p,ctrl-q")',
      single('--detach-keys', parseDetachKeys),
    )
    .option('--no-stdin', 'do not join stdin')
    .option('--sig-proxy', 'pass signals on to the process, if it has no terminal (default)', true)
    .addOption(new Option('--no-sig-proxy').hideHelp())
    .action((name: string, flags: AttachFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const end = await attachContainer(ctx, {
          name,
          caller: processStdio,
          takesInput: flags.stdin,
          detachKeys: flags.detachKeys ?? parseDetachKeys(defaultDetachKeys),
          signalProxy: flags.sigProxy ? 'without-terminal' : 'never',
        })
        // Docker's attach says 1 when it is left with the keys.
        process.exitCode = end.kind === 'exited' ? end.exitCode : 1
      }),
    )
}
