import { mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Survivor, startSurvivor } from '../host/survivor.ts'
import { execGuardScript, leaveWord } from './exec-guard-script.ts'
import { type ProcessCgroup, processCgroup } from './process-cgroup.ts'
import type { Runtime } from './runc.ts'

export interface GuardOptions {
  readonly runtime: Runtime
  readonly containerId: string
  /** The container's first process, as the host sees it. */
  readonly containerPid: number
  /** Names the exec among others of the container. */
  readonly execId: string
  /** The runtime writes the process's pid there; removed at the end, as the next two. */
  readonly pidFile: string
  /** The runtime writes there how the process has ended. */
  readonly logFile: string
  readonly processFile: string
  /** A shell leaves there how the program has ended; undefined if a monitor does. */
  readonly endsDirectory: string | undefined
  /** A descriptor of the caller's terminal, if it has one. */
  readonly terminal: number | undefined
}

export interface ExecGuard extends Survivor {
  /** Before `exec` on the runtime's command line. */
  readonly runtimeArguments: readonly string[]
  /** After it. */
  readonly execArguments: readonly string[]
  /** The program goes on without its caller. */
  leave(): void
}

/**
 * See to it that an exec leaves no process behind when its caller goes before its program: a small
 * shell waits for the end of this process, or of the runtime that it becomes.
 *
 * A program that ends by itself leaves what it has started, as docker has it. When the caller was
 * killed, its terminal closed, or a signal has ended the program, everything is killed that the
 * program has started, but for daemons: what has left both the program's session and its tree.
 */
export function guardExec(options: GuardOptions): ExecGuard {
  const { runtime, containerId, execId, pidFile, logFile, processFile, terminal } = options
  const container = processCgroup(options.containerPid, containerId)
  const selector = container && cgroupSelector(runtime, container)
  const path = container && (selector === undefined ? container.path : join(container.path, execId))
  const survivor = startSurvivor(
    execGuardScript,
    [
      ...[path ?? '', selector === undefined ? '' : 'own', pidFile, logFile, processFile],
      ...[containerId, execId, options.endsDirectory ?? ''],
    ],
    terminal,
  )
  if (path !== undefined && selector !== undefined) mkdirSync(path)
  return {
    ...survivor,
    leave: () => survivor.release(leaveWord),
    runtimeArguments: isRunc(runtime) ? ['--debug', '--log-format', 'json', '--log', logFile] : [],
    execArguments: selector === undefined ? [] : ['--cgroup', `${selector}${execId}`],
  }
}

/**
 * What stands before the name of a cgroup below the container's, into which the runtime can put the
 * exec alone: nothing that it starts gets out of there. Only the freezer's where each controller
 * has a tree of its own, one without controllers on v2.
 *
 * @returns  undefined if the runtime cannot
 */
function cgroupSelector(runtime: Runtime, { isV1 }: ProcessCgroup): string | undefined {
  if (isRunc(runtime)) return isV1 ? 'freezer:' : ''
  // crun wants the cgroup in the tree of each controller.
  return basename(runtime.path) === 'crun' && !isV1 ? '' : undefined
}

function isRunc({ path }: Runtime): boolean {
  return basename(path) === 'runc'
}
