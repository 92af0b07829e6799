import { constants, existsSync, readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isErrno } from '../errors.ts'
import { processStartTicks } from '../host/owner.ts'

// What `runc start` and `runc delete` do is little, and to start the program for it takes most of
// their time. Where the container's own directory shows that it is runc's, and of the plain kind,
// the same is done here. Source: opencontainers/runc libcontainer/container_linux.go, state_linux.go
// (1.0 to 1.3 have the same files and fields)

/** What runc has written down of a container. */
export interface RuncState {
  readonly init_process_pid: number
  readonly init_process_start: number
  readonly intel_rdt_path?: string
  readonly config: {
    readonly namespaces?: readonly { readonly type: string; readonly path: string }[] | null
    readonly Hooks?: { readonly poststop?: readonly unknown[] | null } | null
  }
}

const lookEveryMs = 100
const deathPatienceMs = 500

/** @returns  undefined where the container is not runc's, or is not there */
export function readRuncState(stateDir: string, containerId: string): RuncState | undefined {
  try {
    const text = readFileSync(join(stateDir, containerId, 'state.json'), 'utf8')
    const state = JSON.parse(text) as Partial<RuncState> | null
    const isOfRunc =
      state !== null &&
      Number.isSafeInteger(state.init_process_pid) &&
      Number.isSafeInteger(state.init_process_start) &&
      typeof state.config === 'object'
    return isOfRunc ? (state as RuncState) : undefined
  } catch (error) {
    if (isErrno(error, 'ENOENT') || error instanceof SyntaxError) return undefined
    throw error
  }
}

/**
 * Let the process of a created container go on: it waits until somebody reads from its FIFO.
 *
 * @returns  false if that cannot be done here, or the process has died: the runtime is to be asked
 */
export async function openExecFifo(stateDir: string, containerId: string): Promise<boolean> {
  const state = readRuncState(stateDir, containerId)
  const path = join(stateDir, containerId, 'exec.fifo')
  if (state === undefined || !existsSync(path)) return false
  // The process may not have come as far as the FIFO: the open waits in a thread of Node's pool,
  // and a writer that says nothing ends the waiting for one that has died.
  const watch = setInterval(() => {
    if (!isAlive(state)) void openAndClose(path, constants.O_WRONLY | constants.O_NONBLOCK)
  }, lookEveryMs)
  try {
    const fifo = await open(path, constants.O_RDONLY)
    try {
      const { bytesRead } = await fifo.read(Buffer.alloc(1))
      if (bytesRead === 0) return false
    } finally {
      await fifo.close()
    }
  } finally {
    clearInterval(watch)
  }
  // As long as it is there, runc takes the container for a created one.
  rmSync(path, { force: true })
  return true
}

/**
 * End a container's processes, and forget the container. Its cgroups are left.
 *
 * @returns  false if that cannot be done here: the runtime is to be asked
 */
export async function forgetRuncContainer(stateDir: string, containerId: string): Promise<boolean> {
  const state = readRuncState(stateDir, containerId)
  if (state === undefined || !isPlain(state)) return false
  if (!(await isDeadAfterKill(state))) return false
  rmSync(join(stateDir, containerId), { recursive: true, force: true })
  return true
}

/** Nothing but its processes is to be cleaned up, and they die with the first of them. */
function isPlain({ config, intel_rdt_path }: RuncState): boolean {
  const ownsPids = config.namespaces?.some(({ type, path }) => type === 'NEWPID' && path === '')
  const hasHooks = (config.Hooks?.poststop?.length ?? 0) > 0
  return ownsPids === true && !hasHooks && (intel_rdt_path ?? '') === ''
}

// A frozen process does not die of it: runc knows how to thaw it.
async function isDeadAfterKill(state: RuncState): Promise<boolean> {
  for (let waitedMs = 0; isAlive(state); waitedMs += 1) {
    if (waitedMs === 0) kill(state.init_process_pid)
    if (waitedMs === deathPatienceMs) return false
    await delay(1)
  }
  return true
}

function isAlive(state: RuncState): boolean {
  return processStartTicks(state.init_process_pid) === state.init_process_start
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  }
}

async function openAndClose(path: string, flags: number): Promise<void> {
  try {
    await (await open(path, flags)).close()
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENXIO')) throw error
  }
}
