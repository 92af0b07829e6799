import { findProgram } from '../host/find-program.ts'
import { type PipedProgram, spawnWithPipes } from '../host/piped-program.ts'
import type { Bundle } from './bundle.ts'
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
  readonly log: MonitorLog
  readonly hasTerminal: boolean
  readonly hasStdin: boolean
}

/** Where a monitor writes what the process writes. Nothing of it, and the output is not kept. */
export interface MonitorLog {
  /** A file in the form `k8s-file`. */
  readonly path?: string | undefined
  /** The file is begun anew rather than become larger. */
  readonly maxSizeBytes?: number | undefined
  readonly isSentToJournal?: boolean | undefined
  /** The journal's `CONTAINER_TAG`. */
  readonly tag?: string | undefined
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
 * Start conmon, which then waits until it may begin.
 *
 * @throws  FAILED_PRECONDITION if conmon is not installed
 */
export function spawnConmon(
  target: ConmonTarget,
  furtherArguments: readonly string[],
): PipedProgram {
  return spawnWithPipes(findProgram('conmon'), [...commonArguments(target), ...furtherArguments], {
    // conmon and runc see nothing of the image's environment, only what finds programs.
    env: {
      PATH: process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      _OCI_SYNCPIPE: String(conmonPipes.sync),
      _OCI_STARTPIPE: String(conmonPipes.start),
      _OCI_ATTACHPIPE: String(conmonPipes.attach),
    },
    pipes: ['writes', 'reads', 'writes'],
  })
}

/** conmon reads one byte before it begins; podman uses the pause to move it into a cgroup. */
export function letBegin(conmon: PipedProgram): void {
  conmon.write(conmonPipes.start, Buffer.of(0))
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
    ...logArguments(target.log),
    // One fsync of the log for each container that ends is not worth its time.
    '--no-sync-log',
    ...(target.hasTerminal ? ['--terminal'] : []),
    ...(target.hasStdin ? ['--stdin'] : []),
  ]
}

function logArguments({ path, maxSizeBytes, isSentToJournal, tag }: MonitorLog): string[] {
  const drivers = [
    ...(isSentToJournal === true ? ['journald'] : []),
    ...(path === undefined ? [] : [`k8s-file:${path}`]),
  ]
  return [
    ...(drivers.length === 0 ? ['none'] : drivers).flatMap((driver) => ['--log-path', driver]),
    ...(maxSizeBytes === undefined ? [] : ['--log-size-max', String(maxSizeBytes)]),
    ...(tag === undefined ? [] : ['--log-tag', tag]),
  ]
}
