import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { processStartTicks } from '../host/owner.ts'
import { readTextIfThere } from '../host/read-text.ts'
import { formatRuntimeSpec, type RuntimeProcess } from '../oci/runtime-spec.ts'
import { type Bundle, bundleIn } from '../runtime/bundle.ts'
import { type MonitoredExec, prepareMonitoredExec } from '../runtime/conmon-exec.ts'
import type { ExecFiles } from '../runtime/exec-files.ts'
import type { ExecGuard } from '../runtime/exec-guard.ts'
import type { Runtime } from '../runtime/runc.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { type AttachEnd, attachStdio } from './attach-stdio.ts'
import type { CallerStdio } from './caller-stdio.ts'

export interface ExecApart {
  readonly record: ContainerRecord
  readonly containerBundle: Bundle
  readonly runtime: Runtime
  readonly process: RuntimeProcess
  readonly files: ExecFiles
  /** Its monitor leaves there how it has ended. */
  readonly endsDirectory: string
  /** undefined: nobody is joined to it, and it goes on by itself. */
  readonly joined: JoinedCaller | undefined
}

export interface JoinedCaller {
  readonly caller: CallerStdio
  readonly takesInput: boolean
  /** Empty for none. */
  readonly detachKeys: Buffer
  /** Sees to it that nothing is left when this process goes. @param pidFile  the program's */
  guard(pidFile: string): ExecGuard
  onDetach(): void
}

/** 128 + SIGHUP: what a program of the caller's own would end with. */
const hungUpExitCode = 129

/**
 * Run a program with stdio that is not the caller's: a terminal where this process has none, as in
 * CI scripts (`exec -t`), one that the user may leave, and `exec -d`. The runtime itself can only
 * hand the caller's on, so a conmon of its own holds it.
 *
 * @returns  the program's exit code; 0 if it goes on without the caller
 * @throws   RUNTIME_FAILED with docker's exit code
 */
export async function execApart(request: ExecApart): Promise<number> {
  const { record, containerBundle, runtime, files, joined } = request
  removeEnded(containerBundle)
  mkdirSync(files.directory, { mode: 0o700 })
  const bundle = bundleIn(files.directory)
  const processFile = join(files.directory, 'process.json')
  writeFileSync(processFile, formatRuntimeSpec(request.process), { mode: 0o600 })
  const guard = joined?.guard(bundle.processPidFile)
  try {
    const monitored = await prepareMonitoredExec(
      {
        containerId: record.id,
        sessionId: files.id,
        containerName: record.name,
        bundle,
        runtime,
        persistDirectory: files.directory,
        log: {},
        hasTerminal: request.process.terminal,
        hasStdin: joined?.takesInput ?? false,
      },
      {
        processFile,
        runtimeArguments: guard?.execArguments ?? [],
        endsDirectory: request.endsDirectory,
      },
    )
    try {
      const end = await endOf(monitored, bundle, request)
      if (end === 'detached') guard?.leave()
      if (end === 'hung-up') return hungUpExitCode
      return end === 'ended' ? await monitored.exitCode() : 0
    } finally {
      monitored.close()
    }
  } catch (error) {
    rmSync(files.directory, { recursive: true, force: true })
    throw error
  } finally {
    guard?.release()
  }
}

/** Start the program and wait until it ends or the caller has left. */
async function endOf(
  monitored: MonitoredExec,
  bundle: Bundle,
  { joined, process }: ExecApart,
): Promise<AttachEnd> {
  if (joined === undefined) {
    await monitored.start()
    return 'detached'
  }
  const stdio = attachStdio(bundle, {
    ...joined,
    hasTerminal: process.terminal,
    shows: { stdout: true, stderr: true },
  })
  try {
    await monitored.start()
    const end = await stdio.end
    if (end === 'detached') joined.onDetach()
    return end
  } finally {
    stdio.close()
  }
}

/** Remove what is left of programs whose monitor was killed: else it does that. */
function removeEnded(containerBundle: Bundle): void {
  for (const name of readdirSync(containerBundle.directory)) {
    if (!/^exec-[0-9a-f]+$/.test(name)) continue
    const directory = join(containerBundle.directory, name)
    const monitor = readTextIfThere(bundleIn(directory).monitorPidFile)
    if (!monitor || processStartTicks(Number(monitor)) !== undefined) continue
    rmSync(directory, { recursive: true, force: true })
  }
}
