import { TsctrError } from '../errors.ts'
import { bundleOf } from '../runtime/bundle.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { recordAttach } from './attach-events.ts'
import { attachStdio, type StdioOptions } from './attach-stdio.ts'
import type { CallerStdio } from './caller-stdio.ts'
import { asConfig } from './config.ts'
import { isRestarting } from './docker-state.ts'
import { proxySignals, type SignalProxy } from './forward-signals.ts'
import { isPaused } from './is-paused.ts'
import { isRunning } from './observe.ts'
import { endOf, type ForegroundEnd } from './run.ts'
import { settled } from './settled.ts'
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
    readonly signalProxy: SignalProxy
  },
): Promise<ForegroundEnd> {
  const record = await settled(stores, request.name)
  requireAttachable(record, request.name)
  const config = asConfig(record.config)
  if (config.tty && config.openStdin && request.takesInput && !request.caller.hasTerminalInput()) {
    const reason = 'cannot attach stdin to a TTY-enabled container because stdin is not a terminal'
    throw new TsctrError('INVALID_ARGUMENT', `container ${request.name}: ${reason}`, {
      hint: '--no-stdin shows what it writes',
    })
  }
  const options: StdioOptions = {
    caller: request.caller,
    takesInput: request.takesInput && config.openStdin,
    hasTerminal: config.tty,
    detachKeys: request.detachKeys,
    shows: { stdout: true, stderr: true },
  }
  const stdio = attachStdio(bundleOf(stores.stateRoot, record.namespace, record.id), options)
  recordAttach(stores, record)
  const signals = proxySignals(request.signalProxy, config.tty, () => stdio.close())
  signals.sendTo(record)
  try {
    return await endOf(stores, record, stdio)
  } finally {
    signals.stop()
    stdio.close()
  }
}

/** In docker's words. Source: moby daemon/attach.go */
function requireAttachable(record: ContainerRecord, name: string): void {
  const refuse = (what: string, hint: string): never => {
    throw new TsctrError('FAILED_PRECONDITION', `container ${name}: cannot attach to a ${what}`, {
      hint,
    })
  }
  if (isRestarting(record)) {
    refuse('restarting container, wait until it is running', `tsctr wait ${name}`)
  }
  if (!isRunning(record)) {
    refuse('stopped container, start it first', `tsctr start -a ${name}`)
  }
  if (isPaused(record)) {
    refuse('paused container, unpause it first', `tsctr unpause ${name}`)
  }
}
