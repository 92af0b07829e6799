import { isRunning } from './observe.ts'
import { killedExitCode, settleContainer } from './settle.ts'
import { settled } from './stop.ts'
import type { ContainerStores } from './stores.ts'
import { waitForExit } from './wait-for-exit.ts'

/**
 * Wait until a container does not run.
 *
 * @returns  its exit code; 0 for one that has never run, as docker says
 * @throws   NOT_FOUND
 */
export async function waitContainer(stores: ContainerStores, name: string): Promise<number> {
  const record = await settled(stores, name)
  if (!isRunning(record)) return record.exitCode ?? 0
  // Read before it is settled: a container with --rm takes its status along when it goes.
  const status = await waitForExit(stores, record)
  if (status !== undefined) return status.code
  // Without a status it was removed by force, or its monitor was killed.
  return (await settleContainer(stores, record.id))?.code ?? killedExitCode
}
