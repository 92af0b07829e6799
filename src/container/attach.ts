import { TsctrError } from '../errors.ts'
import { bundleOf } from '../runtime/bundle.ts'
import { attachStdio, type StdioOptions } from './attach-stdio.ts'
import type { CallerStdio } from './caller-stdio.ts'
import { asConfig } from './config.ts'
import { forwardSignals, tidyUpOnSignals } from './forward-signals.ts'
import { isPaused } from './is-paused.ts'
import { isRunning } from './observe.ts'
import { endOf, type ForegroundEnd } from './run.ts'
import { settled } from './stop.ts'
import type { ContainerStores } from './stores.ts'

/**
 * Join this process's stdio to a running container. Several may be attached.
 *
 * @throws  NOT_FOUND, FAILED_PRECONDITION if it does not run
 */
export async function attachContainer(
  stores: ContainerStores,
  request: {
    readonly name: string
    readonly caller: CallerStdio
    readonly takesInput: boolean
    readonly detachKeys: Buffer
    readonly proxiesSignals: boolean
  },
): Promise<ForegroundEnd> {
  const record = await settled(stores, request.name)
  if (!isRunning(record)) {
    throw new TsctrError('FAILED_PRECONDITION', `container ${request.name}: is not running`, {
      hint: `tsctr start -a ${request.name}`,
    })
  }
  if (isPaused(record)) {
    throw new TsctrError('FAILED_PRECONDITION', `container ${request.name}: is paused`, {
      hint: `tsctr unpause ${request.name}`,
    })
  }
  const config = asConfig(record.config)
  const options: StdioOptions = {
    caller: request.caller,
    takesInput: request.takesInput && config.openStdin,
    hasTerminal: config.tty,
    detachKeys: request.detachKeys,
    shows: { stdout: true, stderr: true },
  }
  const stdio = attachStdio(bundleOf(stores.stateRoot, record.namespace, record.id), options)
  const signals = request.proxiesSignals ? forwardSignals() : tidyUpOnSignals(() => stdio.close())
  signals.sendTo(record)
  try {
    return await endOf(stores, record, stdio)
  } finally {
    signals.stop()
    stdio.close()
  }
}
