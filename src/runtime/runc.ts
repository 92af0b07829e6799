import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { completeProgram, type ProgramResult } from '../host/exec.ts'
import { traced } from '../host/trace.ts'
import type { RuntimeResources } from '../oci/runtime-spec.ts'
import { forgetRuncContainer, openExecFifo } from './runc-state.ts'
import { runtimeError } from './runtime-error.ts'

/** An OCI runtime on this host. */
export interface Runtime {
  readonly name: string
  readonly path: string
  /** Its own records, `--root`. */
  readonly stateDir: string
}

export function runtimeOf(
  stateRoot: string,
  namespace: string,
  runtime: { readonly name: string; readonly path: string },
): Runtime {
  return { ...runtime, stateDir: join(stateRoot, namespace, '.runtime') }
}

/** Let a created container's process run. @throws RUNTIME_FAILED */
export async function startRuntime(runtime: Runtime, containerId: string): Promise<void> {
  if (isRunc(runtime)) {
    if (await traced('open exec.fifo', () => openExecFifo(runtime.stateDir, containerId))) return
  }
  const result = await call(runtime, ['start', containerId])
  if (result.exitCode !== 0) throw runtimeError(containerId, result.stderr)
}

/**
 * Send a signal to a container's first process, or to all of its processes.
 *
 * @returns  false if there is nothing left to signal
 * @throws   RUNTIME_FAILED
 */
export async function killRuntime(
  runtime: Runtime,
  containerId: string,
  signal: string | number,
  target: 'first' | 'all' = 'first',
): Promise<boolean> {
  const all = target === 'all' ? ['--all'] : []
  const result = await call(runtime, ['kill', ...all, containerId, String(signal)])
  if (result.exitCode === 0) return true
  if (isGone(result)) return false
  throw runtimeError(containerId, result.stderr)
}

/** Forget a container and end what is left of it. Nothing to delete is success. @throws RUNTIME_FAILED */
export async function deleteRuntime(runtime: Runtime, containerId: string): Promise<void> {
  // Most deletions are of containers that the runtime does not know (any more): ask the disk first.
  if (!existsSync(join(runtime.stateDir, containerId))) return
  if (isRunc(runtime)) {
    const forget = (): Promise<boolean> => forgetRuncContainer(runtime.stateDir, containerId)
    if (await traced('end the container', forget)) return
  }
  const result = await call(runtime, ['delete', '--force', containerId])
  if (result.exitCode !== 0 && !isGone(result)) throw runtimeError(containerId, result.stderr)
}

/** What a container does, in the runtime's own words: `created`, `running`, `paused`, `stopped`. @throws RUNTIME_FAILED */
export async function runtimeStatus(runtime: Runtime, containerId: string): Promise<string> {
  const result = await call(runtime, ['state', containerId])
  if (result.exitCode !== 0) throw runtimeError(containerId, result.stderr)
  return (JSON.parse(result.stdout) as { status: string }).status
}

/**
 * Freeze all processes of a running container.
 *
 * @returns  false if it does not run (any more)
 * @throws   RUNTIME_FAILED
 */
export async function pauseRuntime(runtime: Runtime, containerId: string): Promise<boolean> {
  const result = await call(runtime, ['pause', containerId])
  if (result.exitCode === 0) return true
  if (isGone(result)) return false
  throw runtimeError(containerId, result.stderr)
}

/**
 * Let the processes of a paused container go on.
 *
 * @returns  false if it is not paused (any more), or has ended
 * @throws   RUNTIME_FAILED
 */
export async function resumeRuntime(runtime: Runtime, containerId: string): Promise<boolean> {
  const result = await call(runtime, ['resume', containerId])
  if (result.exitCode === 0) return true
  if (isGone(result) || /not paused/i.test(result.stderr)) return false
  throw runtimeError(containerId, result.stderr)
}

/** argv of what lets a paused container go on. */
export function resumeCommand(runtime: Runtime, containerId: string): readonly string[] {
  return [runtime.path, '--root', runtime.stateDir, 'resume', containerId]
}

/** Pids of a container's processes, as the host sees them. @throws RUNTIME_FAILED */
export async function runtimeProcesses(runtime: Runtime, containerId: string): Promise<number[]> {
  const result = await call(runtime, ['ps', '--format', 'json', containerId])
  if (result.exitCode !== 0) throw runtimeError(containerId, result.stderr)
  return JSON.parse(result.stdout) as number[]
}

/** Change the limits of a running container. @throws RUNTIME_FAILED */
export async function updateRuntime(
  runtime: Runtime,
  containerId: string,
  resources: Omit<RuntimeResources, 'devices'>,
): Promise<void> {
  const args = ['update', '--resources', '-', containerId]
  const result = await call(runtime, args, JSON.stringify(resources))
  if (result.exitCode !== 0) throw runtimeError(containerId, result.stderr)
}

/** A path may be that of a wrapper, which is to see every step. */
function isRunc({ name }: Runtime): boolean {
  return name === 'runc'
}

function call(runtime: Runtime, args: readonly string[], input?: string): Promise<ProgramResult> {
  // cwd is / so that no working directory of the caller leaks into a container (CVE-2024-21626).
  const options = { cwd: '/', input }
  return traced(`runtime ${args[0]}`, () =>
    completeProgram(runtime.path, ['--root', runtime.stateDir, ...args], options),
  )
}

function isGone(result: ProgramResult): boolean {
  return /does not exist|not running|no such process|process already finished/i.test(result.stderr)
}
