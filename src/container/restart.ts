import { recordContainerEvent } from './container-event.ts'
import { startContainer } from './start.ts'
import { type StopRequest, stopContainer } from './stop.ts'
import type { ContainerStores } from './stores.ts'

/** Stop a container if it runs, then start it. @throws as both */
export async function restartContainer(
  stores: ContainerStores,
  request: StopRequest,
): Promise<void> {
  await stopContainer(stores, request)
  const record = await startContainer(stores, { name: request.name })
  recordContainerEvent(stores.database, record, 'restart')
}
