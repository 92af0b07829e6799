import { exitCodes } from '../errors.ts'
import { traced } from '../host/trace.ts'
import { type ContainerRecord, findContainer } from '../store/containers.ts'
import { recordAttach, recordDetach } from './attach-events.ts'
import { type AttachedStdio, attachStdio, type StdioOptions } from './attach-stdio.ts'
import { asConfig } from './config.ts'
import { exitCodeOnRecord } from './exit-code-on-record.ts'
import { proxySignals, type SignalProxy } from './forward-signals.ts'
import { settleContainer } from './settle.ts'
import { startContainer } from './start.ts'
import type { ContainerStores } from './stores.ts'
import { waitForExit } from './wait-for-exit.ts'

export interface ForegroundRequest {
  readonly name: string
  readonly stdio: Omit<StdioOptions, 'hasTerminal'>
  /** Pass signals that this process gets on to the container's. */
  readonly signalProxy: SignalProxy
  readonly onStarted?: ((record: ContainerRecord) => void) | undefined
}

/** How a foreground run came to its end. */
export type ForegroundEnd =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'detached' }

/**
 * Start a container with this process's stdio joined to it and wait for its end.
 *
 * @throws  as startContainer
 */
export async function runInForeground(
  stores: ContainerStores,
  request: ForegroundRequest,
): Promise<ForegroundEnd> {
  const found = findContainer(stores.database, stores.namespace, request.name)
  const hasTerminal = asConfig(found.config).tty
  let stdio: AttachedStdio | undefined
  // Before anything is joined: a signal may come while the container starts, and must not leave the
  // terminal raw. With a terminal, keys like Ctrl-C go to it raw; signals from elsewhere still count.
  const signals = proxySignals(request.signalProxy, hasTerminal, () => stdio?.close())
  try {
    const record = await startContainer(stores, {
      name: found.id,
      beforeStart: (bundle) => {
        stdio = attachStdio(bundle, { ...request.stdio, hasTerminal })
        recordAttach(stores, found)
      },
    })
    signals.sendTo(record)
    request.onStarted?.(record)
    return await endOf(stores, record, stdio)
  } finally {
    signals.stop()
    stdio?.close()
  }
}

/** Wait until a container that we are attached to ends, and settle it. */
export async function endOf(
  stores: ContainerStores,
  record: ContainerRecord,
  stdio: AttachedStdio | undefined,
): Promise<ForegroundEnd> {
  const end = await traced('attached', async () => stdio?.end)
  if (end === 'detached') recordDetach(stores, record)
  if (end === 'detached' || end === 'hung-up') return { kind: 'detached' }
  const status = await traced('wait for the exit status', () => waitForExit(stores, record))
  // The terminal is the user's again before the cleaning up.
  stdio?.close()
  const settledStatus = await traced('settle', () => settleContainer(stores, record.id))
  // One that somebody else has removed took its status along.
  const code = status?.code ?? settledStatus?.code ?? exitCodeOnRecord(stores, record)
  return { kind: 'exited', exitCode: code ?? exitCodes.engineFailed }
}
