import { type PipedProgram, spawnWithPipes } from '../host/piped-program.ts'
import type { Bundle } from './bundle.ts'
import { findProgram } from './find-program.ts'
import type { Runtime } from './runc.ts'

/** What every conmon is told. */
export interface ConmonTarget {
  readonly containerId: string
  /** Names this conmon among others of the container. */
  readonly sessionId: string
  readonly containerName: string
  /** Its socket, FIFOs and pid files lie there. */
  readonly bundle: Bundle
  readonly runtime: Runtime
  /** Directory that gets the file `exit` when the process has ended. */
  readonly persistDirectory: string
  /** k8s-file log; undefined keeps none. */
  readonly logPath: string | undefined
  readonly hasTerminal: boolean
  readonly hasStdin: boolean
}

/** The pipes between conmon and us. Source: conmon.8 ENVIRONMENT, podman's use of it */
export const conmonPipes = {
  /** To us: `{"data": pid}`, or `{"data": -1, "message": …}`. */
  sync: 3,
  /** To conmon: a byte lets it go on. */
  start: 4,
  /** To us, with --exec-attach: a line when the socket is there. */
  attach: 5,
} as const

export interface ConmonAnswer {
  readonly data: number
  readonly message: string
}

/**
 * Start conmon and let it begin.
 *
 * @throws  FAILED_PRECONDITION if conmon is not installed
 */
export function startConmon(
  target: ConmonTarget,
  furtherArguments: readonly string[],
): PipedProgram {
  const conmon = spawnWithPipes(
    findProgram('conmon'),
    [...commonArguments(target), ...furtherArguments],
    {
      // conmon and runc see nothing of the image's environment, only what finds programs.
      env: {
        PATH: process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        _OCI_SYNCPIPE: String(conmonPipes.sync),
        _OCI_STARTPIPE: String(conmonPipes.start),
        _OCI_ATTACHPIPE: String(conmonPipes.attach),
      },
      pipeCount: Object.keys(conmonPipes).length,
    },
  )
  // conmon reads one byte before it begins; podman uses the pause to move it into a cgroup.
  conmon.write(conmonPipes.start, Buffer.of(0))
  return conmon
}

/** The next answer of conmon; undefined if it ended without one. */
export async function readAnswer(conmon: PipedProgram): Promise<ConmonAnswer | undefined> {
  const line = await conmon.readLine(conmonPipes.sync)
  try {
    const answer = JSON.parse(line) as { data?: unknown; message?: unknown }
    if (typeof answer.data !== 'number') return undefined
    return { data: answer.data, message: String(answer.message ?? '') }
  } catch {
    return undefined
  }
}

function commonArguments(target: ConmonTarget): string[] {
  const { bundle, runtime } = target
  return [
    ...['--api-version', '1'],
    ...['--cid', target.containerId, '--cuuid', target.sessionId],
    ...['--name', target.containerName],
    ...['--runtime', runtime.path, '--runtime-arg', '--root', '--runtime-arg', runtime.stateDir],
    ...['--bundle', bundle.directory],
    ...['--container-pidfile', bundle.processPidFile],
    ...['--conmon-pidfile', bundle.monitorPidFile],
    ...['--persist-dir', target.persistDirectory],
    // With --full-attach the socket lies in the bundle; conmon wants the other path all the same.
    ...['--full-attach', '--socket-dir-path', bundle.directory],
    ...['--log-level', 'warning'],
    ...['--log-path', target.logPath === undefined ? 'none' : `k8s-file:${target.logPath}`],
    // One fsync of the log for each container that ends is not worth its time.
    '--no-sync-log',
    ...(target.hasTerminal ? ['--terminal'] : []),
    ...(target.hasStdin ? ['--stdin'] : []),
  ]
}
