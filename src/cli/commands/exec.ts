import type { Command } from 'commander'
import { defaultDetachKeys, parseDetachKeys } from '../../container/detach-keys.ts'
import { execInContainer } from '../../container/exec.ts'
import { readDotenvFile } from '../../container/flag-values/dotenv-file.ts'
import { resolveEnv } from '../../container/flag-values/key-values.ts'
import { parseEnvEntry, parseUser, parseWorkdir } from '../../container/flag-values/names.ts'
import { readValueFile } from '../../container/flag-values/value-file.ts'
import { withContext } from '../context.ts'
import { repeated, single } from '../flag-parser.ts'
import { processStdio } from '../process-stdio.ts'
import { requireTerminalInput } from '../terminal-check.ts'

interface ExecFlags {
  readonly detach?: boolean
  readonly detachKeys?: Buffer
  readonly dotenvFile?: readonly (readonly string[])[]
  readonly env?: readonly string[]
  readonly envFile?: readonly (readonly string[])[]
  readonly interactive?: boolean
  readonly privileged?: boolean
  readonly tty?: boolean
  readonly user?: string
  readonly workdir?: string
}

export function addExecCommand(parent: Command): void {
  parent
    .command('exec <container> <program> [args...]')
    .description('Run a program in a running container')
    .option('-d, --detach', 'leave it running and return')
    .option(
      '--detach-keys <keys>',
      'keys that leave the program running (default "ctrl-p,ctrl-q")',
      single('--detach-keys', parseDetachKeys),
    )
    .option(
      '-e, --env <name=value>',
      'set an environment variable',
      repeated('--env', parseEnvEntry),
    )
    .option(
      '--env-file <file>',
      'read environment variables',
      repeated('--env-file', readValueFile),
    )
    .option(
      '--dotenv-file <file>',
      'the same with the quotes of a shell',
      repeated('--dotenv-file', readDotenvFile),
    )
    .option('-i, --interactive', 'keep stdin open')
    .option('--privileged', 'give it all capabilities')
    .option('-t, --tty', 'allocate a pseudo-terminal')
    .option('-u, --user <user[:group]>', 'user name or ID', single('--user', parseUser))
    .option('-w, --workdir <path>', 'working directory', single('--workdir', parseWorkdir))
    .action((name: string, program: string, args: string[], flags: ExecFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const tty = flags.tty === true
        const takesInput = flags.interactive === true
        if (flags.detach !== true) requireTerminalInput('exec', tty, takesInput)
        const files = [...(flags.envFile ?? []), ...(flags.dotenvFile ?? [])]
        process.exitCode = await execInContainer(
          ctx,
          {
            name,
            caller: processStdio,
            args: [program, ...args],
            env: resolveEnv({ files: files.flat(), flags: flags.env ?? [] }, process.env),
            user: flags.user,
            workdir: flags.workdir,
            tty,
            isPrivileged: flags.privileged === true,
            takesInput,
            isDetached: flags.detach === true,
            detachKeys: flags.detachKeys ?? parseDetachKeys(defaultDetachKeys),
          },
          () => ctx.close(),
        )
      }),
    )
}
