import { readFileSync } from 'node:fs'
import { isErrno, TsctrError } from '../errors.ts'
import { bootId, type Owner, processStartTicks } from '../host/owner.ts'
import type { PipedProgram } from '../host/piped-program.ts'
import { type ConmonTarget, letBegin, readAnswer, spawnConmon } from './conmon-program.ts'
import { runtimeError } from './runtime-error.ts'

export interface MonitorOptions extends Omit<ConmonTarget, 'sessionId'> {
  /** Keep stdin open when an attached client goes away. */
  readonly leavesStdinOpen: boolean
  /** Run by conmon after the container has ended, argv. */
  readonly exitCommand: readonly string[]
  /** Whole seconds after which conmon kills the container; undefined for no end. */
  readonly timeoutS: number | undefined
  /** Whole seconds before the exit command: somebody waits in the foreground and is likely to be first. */
  readonly exitDelayS: number
}

export interface MonitoredProcess {
  readonly process: Owner
  readonly monitor: Owner | undefined
}

/** A conmon that waits for the word. */
export interface WaitingMonitor {
  /**
   * Have it create the container, whose bundle is complete now, and stay as its monitor.
   *
   * @returns  once the container is created: its process waits for `start`
   * @throws   RUNTIME_FAILED with docker's exit code where the runtime refuses; FAILED_PRECONDITION
   *           if conmon is not installed
   */
  create(): Promise<MonitoredProcess>
  /** Let go of it; if it has not been told to create the container, it ends. */
  close(): void
}

/**
 * Start conmon, which gets itself ready while the caller prepares what the container needs.
 *
 * @throws  FAILED_PRECONDITION if conmon is not installed
 */
export function startMonitor(options: MonitorOptions): WaitingMonitor {
  const conmon = spawnConmon({ ...options, sessionId: options.containerId }, [
    ...(options.leavesStdinOpen ? ['--leave-stdin-open'] : []),
    ...exitCommandArguments(options.exitCommand),
    ...(options.timeoutS === undefined ? [] : ['--timeout', String(options.timeoutS)]),
    ...(options.exitDelayS === 0 ? [] : ['--exit-delay', String(options.exitDelayS)]),
  ])
  let isWaiting = true
  return {
    create: () => {
      isWaiting = false
      return createMonitored(conmon, options)
    },
    close: () => {
      // A pipe that ends is the word as well.
      if (isWaiting) conmon.kill()
      conmon.close()
    },
  }
}

async function createMonitored(
  conmon: PipedProgram,
  options: MonitorOptions,
): Promise<MonitoredProcess> {
  letBegin(conmon)
  const pid = await createdPid(conmon, options.containerName)
  const container = ownerOf(pid)
  if (container === undefined) {
    const message = `${options.containerName}: ended before it was started`
    throw new TsctrError('RUNTIME_FAILED', message)
  }
  const monitorPid = readPid(options.bundle.monitorPidFile)
  return {
    process: container,
    monitor: monitorPid === undefined ? undefined : ownerOf(monitorPid),
  }
}

/**
 * The pid that conmon reports when the runtime has made a process.
 *
 * @throws  RUNTIME_FAILED
 */
export async function createdPid(conmon: PipedProgram, operand: string): Promise<number> {
  const answer = await readAnswer(conmon)
  if (answer === undefined) {
    const said = conmon.stderr().trim()
    throw runtimeError('conmon', said === '' ? 'ended before the container was created' : said)
  }
  if (answer.data <= 0) throw runtimeError(operand, answer.message)
  return answer.data
}

/** @param command  argv */
export function exitCommandArguments([program, ...args]: readonly string[]): string[] {
  if (program === undefined) return []
  return ['--exit-command', program, ...args.flatMap((arg) => ['--exit-command-arg', arg])]
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
