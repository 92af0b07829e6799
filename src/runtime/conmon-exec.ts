import type { PipedProgram } from '../host/piped-program.ts'
import { createdPid } from './conmon.ts'
import { type ConmonTarget, conmonPipes, readAnswer, startConmon } from './conmon-program.ts'
import { runtimeError } from './runtime-error.ts'

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
 * @param target.bundle  a directory for this exec alone, with the process in `processFile`
 * @returns              once its attach socket is there, so that nothing the process writes is missed
 * @throws               RUNTIME_FAILED, FAILED_PRECONDITION if conmon is not installed
 */
export async function prepareMonitoredExec(
  target: ConmonTarget,
  processFile: string,
): Promise<MonitoredExec> {
  const conmon: PipedProgram = startConmon(target, [
    '--exec',
    '--exec-attach',
    ...['--exec-process-spec', processFile],
  ])
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
