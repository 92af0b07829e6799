import { rmSync } from 'node:fs'
import type { Command } from 'commander'
import { defaultDetachKeys, parseDetachKeys } from '../../container/detach-keys.ts'
import { removeContainer } from '../../container/remove.ts'
import { runInForeground } from '../../container/run.ts'
import { startContainer } from '../../container/start.ts'
import { waitUntilReady } from '../../container/wait-until-ready.ts'
import type { ContainerRecord } from '../../store/containers.ts'
import { withContext } from '../context.ts'
import { processStdio } from '../process-stdio.ts'
import { requireTerminalInput } from '../terminal-check.ts'
import { createFromFlags } from './create-from-flags.ts'
import { writePidFile } from './pid-file.ts'
import { runOptionsFromFlags } from './run-config.ts'
import { addRunFlags, type RunFlags } from './run-flags.ts'

export function addRunCommand(parent: Command): void {
  const command = parent
    .command('run <image> [args...]')
    .description('Create a container from an image and start it')
  addRunFlags(command, 'run').action(
    (image: string, args: string[], flags: RunFlags, self: Command) =>
      withContext(self, async (ctx) => {
        const options = runOptionsFromFlags(flags)
        const attached = options.attach ?? ['stdin', 'stdout', 'stderr']
        const takesInput = flags.interactive === true && attached.includes('stdin')
        if (!options.detach) requireTerminalInput('run', flags.tty === true, takesInput)
        const { id } = await createFromFlags(ctx, flags, image, args, 'run')
        let hasStarted = false
        const onStarted = (record: ContainerRecord): void => {
          writePidFile(options.pidfile, record)
          hasStarted = true
        }
        try {
          if (options.detach) {
            const started = await startContainer(ctx, { name: id })
            onStarted(started)
            ctx.stdout.line(id)
            if (options.waits) await waitUntilReady(ctx, started)
            return
          }
          const end = await runInForeground(ctx, {
            name: id,
            stdio: {
              caller: processStdio,
              takesInput,
              detachKeys: options.detachKeys ?? parseDetachKeys(defaultDetachKeys),
              shows: {
                stdout: attached.includes('stdout'),
                stderr: attached.includes('stderr'),
              },
            },
            signalProxy: options.sigProxy ? 'always' : 'never',
            onStarted,
          })
          process.exitCode = end.kind === 'exited' ? end.exitCode : 0
        } catch (error) {
          // What could not be started is of no use to anybody; what has run is the user's.
          if (!hasStarted) {
            await removeContainer(ctx, { name: id, isForced: true, removesVolumes: true }).catch(
              () => {},
            )
            if (options.cidfile !== undefined) rmSync(options.cidfile, { force: true })
          }
          throw error
        }
      }),
  )
}
