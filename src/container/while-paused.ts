import { runOnRelease } from '../host/run-on-release.ts'
import { pauseRuntime, resumeCommand, runtimeOf, runtimeStatus } from '../runtime/runc.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { isRunning } from './observe.ts'
import type { ContainerStores } from './stores.ts'

/**
 * Do something while a container's processes are frozen. They go on afterwards whatever happens:
 * also when this process is killed. One that does not run, or was paused before, is left as it is.
 *
 * @throws  RUNTIME_FAILED if it cannot be paused
 */
export async function whilePaused<T>(
  stores: Pick<ContainerStores, 'stateRoot'>,
  record: ContainerRecord,
  body: () => Promise<T>,
): Promise<T> {
  const runtime = runtimeOf(stores.stateRoot, record.namespace, record.runtime)
  if (!isRunning(record) || (await runtimeStatus(runtime, record.id)) !== 'running') return body()
  const resuming = await runOnRelease(resumeCommand(runtime, record.id))
  let result: T
  try {
    await pauseRuntime(runtime, record.id)
    result = await body()
  } catch (error) {
    await resuming.release().catch(() => {})
    throw error
  }
  await resuming.release()
  return result
}
