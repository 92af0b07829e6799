import { setTimeout as delay } from 'node:timers/promises'
import { getContainer } from '../store/containers.ts'
import { startContainer } from './start.ts'
import type { ContainerStores } from './stores.ts'

/** Somebody who starts, stops or removes the container meanwhile is noticed after this long. */
const lookAgainMs = 500

/**
 * Wait until a container that has ended is to be started again, and start it. Called by the exit
 * hook, whose monitor waits for it.
 *
 * @throws  what startContainer throws; the container stays as it is then
 */
export async function restartByPolicy(stores: ContainerStores, id: string): Promise<void> {
  const at = getContainer(stores.database, id)?.restart.at
  if (at === undefined) return
  for (;;) {
    const leftMs = at.getTime() - Date.now()
    if (leftMs <= 0) break
    await delay(Math.min(leftMs, lookAgainMs))
    if (getContainer(stores.database, id)?.restart.at?.getTime() !== at.getTime()) return
  }
  await startContainer(stores, { name: id, restartDueAt: at })
}
