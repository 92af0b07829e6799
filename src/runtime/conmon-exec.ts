import type { PipedProgram } from '../host/piped-program.ts'
import { createdPid, exitCommandArguments } from './conmon.ts'
import {
  type ConmonTarget,
  conmonPipes,
  letBegin,
  readAnswer,
  spawnConmon,
} from './conmon-program.ts'
import { leaveEndScript } from './ended-execs.ts'
import { runtimeError } from './runtime-error.ts'

/** $1 the exec's directory; $2 the container; $3 the exec; $4 where its end is left. */
const exitScript = `
directory=$1 container=$2 exec=$3 ends=$4
${leaveEndScript}
# conmon writes no line feed, which read takes for a failure.
if [ -f "$directory/exit" ]; then read -r status <"$directory/exit"; leave_end; fi
rm -rf "$directory"
`

export interface MonitoredExecOptions {
  /** What the runtime is to run. */
  readonly processFile: string
  /** After `exec` on the runtime's command line. */
  readonly runtimeArguments: readonly string[]
  /** The monitor leaves there how the process has ended, and removes the exec's directory. */
  readonly endsDirectory: string
}

/** A further process of a container under a conmon of its own. */
export interface MonitoredExec {
  /** Let the process start. @throws RUNTIME_FAILED with docker's exit code */
  start(): Promise<void>
  /** The process's exit code, once it has ended. */
  exitCode(): Promise<number>
  close(): void
}

/**
 * Start a conmon that will run `exec`: its terminal needs none of the caller's.
 *
 * @param target.bundle  a directory for this exec alone, which goes with it
 * @returns              once its attach socket is there, so that nothing the process writes is missed
 * @throws               RUNTIME_FAILED, FAILED_PRECONDITION if conmon is not installed
 */
export async function prepareMonitoredExec(
  target: ConmonTarget,
  { processFile, runtimeArguments, endsDirectory }: MonitoredExecOptions,
): Promise<MonitoredExec> {
  const conmon: PipedProgram = spawnConmon(target, [
    '--exec',
    '--exec-attach',
    ...['--exec-process-spec', processFile],
    ...runtimeArguments.flatMap((argument) => ['--runtime-opt', argument]),
    ...exitCommandArguments([
      ...['/bin/sh', '-c', exitScript, 'sh', target.bundle.directory],
      ...[target.containerId, target.sessionId, endsDirectory],
    ]),
  ])
  letBegin(conmon)
  if ((await conmon.readLine(conmonPipes.attach)) === '') {
    conmon.close()
    throw runtimeError('conmon', conmon.stderr())
  }
  return {
    start: async () => {
      conmon.write(conmonPipes.start, Buffer.of(0))
      await createdPid(conmon, target.containerName)
    },
    exitCode: async () => {
      const answer = await readAnswer(conmon)
      if (answer === undefined) throw runtimeError('conmon', 'ended without the exit code')
      return answer.data
    },
    close: () => conmon.close(),
  }
}
