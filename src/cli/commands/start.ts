import type { Command } from 'commander'
import { defaultDetachKeys, parseDetachKeys } from '../../container/detach-keys.ts'
import { runInForeground } from '../../container/run.ts'
import { startContainer } from '../../container/start.ts'
import { TsctrError } from '../../errors.ts'
import { withContext } from '../context.ts'
import { single } from '../flag-parser.ts'
import { processStdio } from '../process-stdio.ts'
import { forEachTarget } from '../targets.ts'

interface StartFlags {
  readonly attach?: boolean
  readonly interactive?: boolean
  readonly detachKeys?: Buffer
}

export function addStartCommand(parent: Command): void {
  parent
    .command('start <container...>')
    .description('Start containers that do not run')
    .option('-a, --attach', 'join stdout, stderr and signals, and exit with the container’s code')
    .option('-i, --interactive', 'join stdin too')
    .option(
      '--detach-keys <keys>',
      'keys that leave the container running (default "ctrl-p,ctrl-q")',
      single('--detach-keys', parseDetachKeys),
    )
    .action((names: string[], flags: StartFlags, command: Command) =>
      withContext(command, async (ctx) => {
        if (flags.attach !== true && flags.interactive !== true) {
          await forEachTarget(names, async (name) => {
            await startContainer(ctx, { name })
            ctx.stdout.line(name)
          })
          return
        }
        const [name, another] = names
        if (name === undefined || another !== undefined) {
          throw new TsctrError(
            'INVALID_ARGUMENT',
            'start: cannot start and attach multiple containers at once',
          )
        }
        const end = await runInForeground(ctx, {
          name,
          stdio: {
            caller: processStdio,
            takesInput: flags.interactive === true,
            detachKeys: flags.detachKeys ?? parseDetachKeys(defaultDetachKeys),
            shows: { stdout: true, stderr: true },
          },
          signalProxy: 'without-terminal',
        })
        process.exitCode = end.kind === 'exited' ? end.exitCode : 0
      }),
    )
}
