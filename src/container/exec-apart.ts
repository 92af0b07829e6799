import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { processStartTicks } from '../host/owner.ts'
import { readTextIfThere } from '../host/read-text.ts'
import { formatRuntimeSpec, type RuntimeProcess } from '../oci/runtime-spec.ts'
import { type Bundle, bundleIn } from '../runtime/bundle.ts'
import { type MonitoredExec, prepareMonitoredExec } from '../runtime/conmon-exec.ts'
import type { Runtime } from '../runtime/runc.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { attachStdio } from './attach-stdio.ts'
import type { CallerStdio } from './caller-stdio.ts'

export interface ExecApart {
  readonly record: ContainerRecord
  readonly containerBundle: Bundle
  readonly runtime: Runtime
  readonly process: RuntimeProcess
  /** undefined: nobody is joined to it, and it goes on by itself. */
  readonly joined: JoinedCaller | undefined
}

export interface JoinedCaller {
  readonly caller: CallerStdio
  readonly takesInput: boolean
  /** Empty for none. */
  readonly detachKeys: Buffer
}

/**
 * Run a program with stdio that is not the caller's: a terminal where this process has none, as in
 * CI scripts (`exec -t`), one that the user may leave, and `exec -d`. The runtime itself can only
 * hand the caller's on, so a conmon of its own holds it.
 *
 * @returns  the program's exit code; 0 if it goes on without the caller
 * @throws   RUNTIME_FAILED with docker's exit code
 */
export async function execApart(request: ExecApart): Promise<number> {
  const { record, containerBundle, runtime } = request
  removeEnded(containerBundle)
  const directory = mkdtempSync(join(containerBundle.directory, 'exec-'))
  const bundle = bundleIn(directory)
  const processFile = join(directory, 'process.json')
  writeFileSync(processFile, formatRuntimeSpec(request.process), { mode: 0o600 })
  let goesOn = false
  try {
    const monitored = await prepareMonitoredExec(
      {
        containerId: record.id,
        sessionId: basename(directory),
        containerName: record.name,
        bundle,
        runtime,
        persistDirectory: directory,
        log: {},
        hasTerminal: request.process.terminal,
        hasStdin: request.joined?.takesInput ?? false,
      },
      processFile,
    )
    try {
      goesOn = await isLeftRunning(monitored, bundle, request)
      return goesOn ? 0 : await monitored.exitCode()
    } finally {
      monitored.close()
    }
  } finally {
    // The monitor of a program that goes on works in it.
    if (!goesOn) rmSync(directory, { recursive: true, force: true })
  }
}

/** Start the program and wait until it ends or the caller has left. */
async function isLeftRunning(
  monitored: MonitoredExec,
  bundle: Bundle,
  { joined, process }: ExecApart,
): Promise<boolean> {
  if (joined === undefined) {
    await monitored.start()
    return true
  }
  const stdio = attachStdio(bundle, {
    ...joined,
    hasTerminal: process.terminal,
    shows: { stdout: true, stderr: true },
  })
  try {
    await monitored.start()
    return (await stdio.end) === 'detached'
  } finally {
    stdio.close()
  }
}

/** Remove what is left of programs whose users had left, and which have ended since. */
function removeEnded(containerBundle: Bundle): void {
  for (const name of readdirSync(containerBundle.directory)) {
    const directory = join(containerBundle.directory, name)
    const monitor = name.startsWith('exec-') && readTextIfThere(bundleIn(directory).monitorPidFile)
    if (!monitor || processStartTicks(Number(monitor)) !== undefined) continue
    rmSync(directory, { recursive: true, force: true })
  }
}
