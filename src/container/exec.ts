import { writeFileSync } from 'node:fs'
import { isatty } from 'node:tty'
import { exitCodes, hasCode, TsctrError } from '../errors.ts'
import { replaceProcess } from '../host/exec.ts'
import { hostFacts } from '../host/host-facts.ts'
import { redirectToNull } from '../host/null-input.ts'
import { formatRuntimeSpec, type RuntimeProcess } from '../oci/runtime-spec.ts'
import { bundleOf } from '../runtime/bundle.ts'
import { newExecFiles } from '../runtime/exec-files.ts'
import { guardExec } from '../runtime/exec-guard.ts'
import { runtimeOf } from '../runtime/runc.ts'
import type { ContainerRecord } from '../store/containers.ts'
import type { CallerStdio } from './caller-stdio.ts'
import { asConfig } from './config.ts'
import { execApart } from './exec-apart.ts'
import { openEndedExecs, recordExecBegin, recordExecDetach } from './exec-events.ts'
import { imageProcessOf } from './image-process.ts'
import { isPaused } from './is-paused.ts'
import { isRunning } from './observe.ts'
import { settled } from './settled.ts'
import { envValue } from './spec/env.ts'
import { findExecutable } from './spec/find-executable.ts'
import { buildExecProcess, type ProcessRequest } from './spec/process.ts'
import { openRootDirectory, type RootDirectory } from './spec/root-directory.ts'
import type { ContainerStores } from './stores.ts'

export interface ExecRequest extends ProcessRequest {
  readonly name: string
  readonly caller: CallerStdio
  /** Pass this process's stdin on. */
  readonly takesInput: boolean
  /** Leave the program running and return. */
  readonly isDetached: boolean
  /** Bytes that leave the program running, where it has a terminal and input; empty for none. */
  readonly detachKeys: Buffer
}

/**
 * Run a program in a running container.
 *
 * In the foreground this process becomes `runc exec`: the program has the caller's own stdio and
 * terminal, its exit code is the command's, and nothing of tsctr stays in memory. So it returns
 * only with `isDetached`, for a terminal where the caller has none, and for one that the caller may
 * leave by keys: those have a monitor.
 *
 * @returns  the exit code; 0 with `isDetached`, and when it was left by keys
 * @throws  NOT_FOUND, FAILED_PRECONDITION if the container does not run; with exit code 127 if there
 *          is no such program, 126 if it cannot be invoked
 */
export async function execInContainer(
  stores: ContainerStores,
  request: ExecRequest,
  beforeReplacing: () => void,
): Promise<number> {
  const record = await settled(stores, request.name)
  if (!isRunning(record)) throw notRunning(request.name)
  try {
    return await execIn(stores, record, request, beforeReplacing)
  } catch (error) {
    // It has ended meanwhile, and what the exec stands on is gone.
    if (!hasCode(error, 'FAILED_PRECONDITION') && !isRunning(record)) throw notRunning(request.name)
    throw error
  }
}

function notRunning(name: string): TsctrError {
  return new TsctrError('FAILED_PRECONDITION', `container ${name}: is not running`, {
    hint: `tsctr start ${name}`,
  })
}

async function execIn(
  stores: ContainerStores,
  record: ContainerRecord,
  request: ExecRequest,
  beforeReplacing: () => void,
): Promise<number> {
  if (record.process === undefined) throw notRunning(request.name)
  if (isPaused(record)) {
    const message = `container ${request.name}: is paused, unpause the container before exec`
    throw new TsctrError('FAILED_PRECONDITION', message, { hint: `tsctr unpause ${request.name}` })
  }
  const bundle = bundleOf(stores.stateRoot, record.namespace, record.id)
  const runtime = runtimeOf(stores.stateRoot, record.namespace, record.runtime)
  const built = checkedProcess(stores, record, request)
  const { caller, takesInput } = request
  const terminals = [0, 1, 2].filter((fd) => isatty(fd))
  const files = newExecFiles(bundle)
  const endsDirectory = openEndedExecs(stores)
  const recordBegin = (): void =>
    recordExecBegin(stores, record, { id: files.id, args: built.args })
  const guarded = {
    runtime,
    containerId: record.id,
    containerPid: record.process.pid,
    execId: files.id,
    pidFile: files.pid,
    logFile: files.log,
    processFile: files.process,
    endsDirectory,
    terminal: terminals[0],
  }
  const isLeftByKeys = takesInput && request.detachKeys.length > 0
  if (request.isDetached || (request.tty && (terminals.length === 0 || isLeftByKeys))) {
    const joined = {
      caller,
      takesInput,
      detachKeys: request.detachKeys,
      guard: (pidFile: string) => guardExec({ ...guarded, pidFile, endsDirectory: undefined }),
      onDetach: () => recordExecDetach(stores, record, files.id),
    }
    recordBegin()
    return execApart({
      record,
      containerBundle: bundle,
      runtime,
      process: built,
      files,
      endsDirectory,
      joined: request.isDetached ? undefined : joined,
    })
  }
  const guard = guardExec(guarded)
  recordBegin()
  writeFileSync(files.process, formatRuntimeSpec(built), { mode: 0o600 })
  if (!request.takesInput) redirectToNull(0)
  beforeReplacing()
  guard.handOn()
  replaceProcess(runtime.path, [
    ...['--root', runtime.stateDir, ...guard.runtimeArguments],
    ...['exec', '--process', files.process, '--pid-file', files.pid, ...guard.execArguments],
    record.id,
  ])
}

/** The process as the runtime wants it, of which is known that it can be run. */
function checkedProcess(
  stores: ContainerStores,
  record: ContainerRecord,
  request: ExecRequest,
): RuntimeProcess {
  const root = openRootDirectory(`/proc/${record.process?.pid}/root`)
  try {
    const input = {
      config: asConfig(record.config),
      image: imageProcessOf(stores, record),
      containerId: record.id,
      root,
      facts: hostFacts(),
    }
    const built = buildExecProcess(input, request)
    requireExecutable(root, built, request)
    return built
  } finally {
    root.close()
  }
}

function requireExecutable(root: RootDirectory, built: RuntimeProcess, request: ExecRequest): void {
  const [program = ''] = built.args
  const lookup = findExecutable(root, {
    program,
    searchPath: envValue(built.env, 'PATH') ?? '',
    cwd: built.cwd,
    user: { ...built.user, additionalGids: built.user.additionalGids ?? [] },
  })
  if (lookup.kind === 'found') return
  const where = `container ${request.name}: exec ${JSON.stringify(program)}`
  if (lookup.kind === 'not-found') {
    const exitCode = exitCodes.notFound
    throw new TsctrError('NOT_FOUND', `${where}: executable file not found`, { exitCode })
  }
  const exitCode = exitCodes.cannotInvoke
  throw new TsctrError('FAILED_PRECONDITION', `${where}: ${lookup.reason}`, { exitCode })
}
