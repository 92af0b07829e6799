import { setTimeout as delay } from 'node:timers/promises'
import { exitCodes, TsctrError } from '../errors.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { getContainer } from '../store/containers.ts'
import { listHealthResults } from '../store/health-results.ts'
import { isRestarting } from './docker-state.ts'
import { isRunning } from './observe.ts'
import { settleContainer } from './settle.ts'
import type { ContainerStores } from './stores.ts'

const lookEveryMs = 100

/**
 * Wait until a container that was started is healthy. One without a health check is ready at once.
 *
 * @throws  FAILED_PRECONDITION with what its last check has said if it becomes unhealthy or ends
 */
export async function waitUntilReady(
  stores: ContainerStores,
  started: ContainerRecord,
): Promise<void> {
  if (started.health === undefined) return
  for (;;) {
    await settleContainer(stores, started.id)
    const record = getContainer(stores.database, started.id)
    if (record === undefined) throw notReady(stores, started, 'was removed before it was healthy')
    if (isRunning(record)) {
      if (record.health?.status === 'healthy') return
      if (record.health?.status === 'unhealthy') throw notReady(stores, record, 'is unhealthy')
    } else if (record.state === 'exited' && !isRestarting(record)) {
      const message = `ended with exit code ${record.exitCode ?? 0} before it was healthy`
      throw notReady(stores, record, message)
    }
    await delay(lookEveryMs)
  }
}

function notReady(stores: ContainerStores, record: ContainerRecord, problem: string): TsctrError {
  const said = listHealthResults(stores.database, record.id).at(-1)?.output.trim() ?? ''
  const words = said === '' ? '' : `: ${said}`
  return new TsctrError('FAILED_PRECONDITION', `container ${record.name}: ${problem}${words}`, {
    hint: `tsctr logs ${record.name}`,
    exitCode: exitCodes.failure,
  })
}
