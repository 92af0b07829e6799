import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { formatRuntimeSpec, type RuntimeProcess } from '../oci/runtime-spec.ts'
import { type Bundle, bundleIn } from '../runtime/bundle.ts'
import { prepareMonitoredExec } from '../runtime/conmon-exec.ts'
import type { Runtime } from '../runtime/runc.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { attachStdio } from './attach-stdio.ts'
import type { CallerStdio } from './caller-stdio.ts'

export interface ExecApart {
  readonly record: ContainerRecord
  readonly containerBundle: Bundle
  readonly runtime: Runtime
  readonly process: RuntimeProcess
  readonly caller: CallerStdio
  readonly takesInput: boolean
}

/**
 * Run a program with a terminal where this process has none, as CI scripts do (`exec -t`): the
 * runtime itself can only borrow the caller's, so a conmon of its own holds one.
 *
 * @returns  the program's exit code
 * @throws   RUNTIME_FAILED with docker's exit code
 */
export async function execApart(request: ExecApart): Promise<number> {
  const { record, containerBundle, runtime } = request
  const directory = mkdtempSync(join(containerBundle.directory, 'exec-'))
  const bundle = bundleIn(directory)
  const processFile = join(directory, 'process.json')
  writeFileSync(processFile, formatRuntimeSpec(request.process), { mode: 0o600 })
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
        hasTerminal: true,
        hasStdin: request.takesInput,
      },
      processFile,
    )
    const stdio = attachStdio(bundle, {
      caller: request.caller,
      takesInput: request.takesInput,
      hasTerminal: true,
      detachKeys: Buffer.alloc(0),
      shows: { stdout: true, stderr: true },
    })
    try {
      await monitored.start()
      await stdio.end
      return await monitored.exitCode()
    } finally {
      stdio.close()
      monitored.close()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
