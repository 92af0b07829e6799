import { readFileSync } from 'node:fs'
import { isErrno, TsctrError } from '../errors.ts'
import { spawnWithPipes } from '../host/exec.ts'
import { bootId, type Owner, processStartTicks } from '../host/owner.ts'
import type { Bundle } from './bundle.ts'
import { findProgram } from './find-program.ts'
import type { Runtime } from './runc.ts'
import { runtimeError } from './runtime-error.ts'

export interface MonitorOptions {
  readonly containerId: string
  readonly containerName: string
  readonly bundle: Bundle
  readonly runtime: Runtime
  /** Directory that gets the file `exit` when the container's process has ended. */
  readonly persistDirectory: string
  /** k8s-file log; undefined keeps none. */
  readonly logPath: string | undefined
  readonly hasTerminal: boolean
  readonly hasStdin: boolean
  /** Keep stdin open when an attached client goes away. */
  readonly leavesStdinOpen: boolean
  /** Run by conmon after the container has ended, argv. */
  readonly exitCommand: readonly string[]
  /** Whole seconds before that: somebody waits in the foreground and is likely to be first. */
  readonly exitDelayS: number
}

export interface MonitoredProcess {
  readonly process: Owner
  readonly monitor: Owner | undefined
}

/**
 * Start conmon, which creates the container and stays as its monitor.
 *
 * @returns  once the container is created: its process waits for `start`
 * @throws   RUNTIME_FAILED with docker's exit code where the runtime refuses; FAILED_PRECONDITION if
 *           conmon is not installed
 * Source: conmon.8; the sync pipe carries one JSON line `{"data": pid}` or
 *         `{"data": -1, "message": …}`
 */
export async function createMonitored(options: MonitorOptions): Promise<MonitoredProcess> {
  const { sync, stderr } = await startConmon(findProgram('conmon'), options)
  const answer = parseAnswer(sync)
  if (answer === undefined) {
    throw runtimeError('conmon', stderr === '' ? 'ended before the container was created' : stderr)
  }
  if (answer.data <= 0) throw runtimeError(options.containerName, answer.message ?? '')
  const container = ownerOf(answer.data)
  const monitorPid = readPid(options.bundle.monitorPidFile)
  if (container === undefined) {
    throw new TsctrError('RUNTIME_FAILED', `${options.containerName}: ended before it was started`)
  }
  return {
    process: container,
    monitor: monitorPid === undefined ? undefined : ownerOf(monitorPid),
  }
}

async function startConmon(
  conmon: string,
  options: MonitorOptions,
): Promise<{ sync: string; stderr: string }> {
  const child = spawnWithPipes(conmon, conmonArguments(options), {
    // conmon and runc see nothing of the image's environment, only what finds programs.
    env: {
      PATH: process.env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      _OCI_SYNCPIPE: '3',
      _OCI_STARTPIPE: '4',
    },
    readPipes: [3],
    writePipes: [4],
    isDetached: true,
  })
  // conmon reads one byte before it begins; podman uses the pause to move it into a cgroup.
  child.write(4, Buffer.of(0))
  try {
    return { sync: await child.readLine(3), stderr: child.stderr().trim() }
  } finally {
    child.close()
  }
}

function conmonArguments(options: MonitorOptions): string[] {
  const { bundle, runtime } = options
  return [
    ...['--api-version', '1'],
    ...['--cid', options.containerId, '--cuuid', options.containerId],
    ...['--name', options.containerName],
    ...['--runtime', runtime.path, '--runtime-arg', '--root', '--runtime-arg', runtime.stateDir],
    ...['--bundle', bundle.directory],
    ...['--container-pidfile', bundle.processPidFile],
    ...['--conmon-pidfile', bundle.monitorPidFile],
    ...['--persist-dir', options.persistDirectory],
    // With --full-attach the socket lies in the bundle; conmon wants the other path all the same.
    ...['--full-attach', '--socket-dir-path', bundle.directory],
    ...['--log-level', 'warning'],
    ...['--log-path', options.logPath === undefined ? 'none' : `k8s-file:${options.logPath}`],
    // One fsync of the log for each container that ends is not worth its time.
    '--no-sync-log',
    ...(options.hasTerminal ? ['--terminal'] : []),
    ...(options.hasStdin ? ['--stdin'] : []),
    ...(options.leavesStdinOpen ? ['--leave-stdin-open'] : []),
    ...exitCommandArguments(options.exitCommand),
    ...(options.exitDelayS === 0 ? [] : ['--exit-delay', String(options.exitDelayS)]),
  ]
}

function exitCommandArguments([program, ...args]: readonly string[]): string[] {
  if (program === undefined) return []
  return ['--exit-command', program, ...args.flatMap((arg) => ['--exit-command-arg', arg])]
}

function parseAnswer(text: string): { data: number; message?: string } | undefined {
  try {
    const answer = JSON.parse(text) as { data?: unknown; message?: unknown }
    if (typeof answer.data !== 'number') return undefined
    return typeof answer.message === 'string'
      ? { data: answer.data, message: answer.message }
      : { data: answer.data }
  } catch {
    return undefined
  }
}

function ownerOf(pid: number): Owner | undefined {
  const startTicks = processStartTicks(pid)
  return startTicks === undefined ? undefined : { pid, startTicks, bootId: bootId() }
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, 'ascii'))
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
