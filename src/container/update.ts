import { TsctrError } from '../errors.ts'
import { writeTransaction } from '../host/database.ts'
import { hostFacts } from '../host/host-facts.ts'
import { runtimeOf, updateRuntime } from '../runtime/runc.ts'
import { findContainer, updateContainer } from '../store/containers.ts'
import {
  asConfig,
  type ContainerConfig,
  type ResourceLimits,
  type RestartPolicy,
} from './config.ts'
import { recordContainerEvent } from './container-event.ts'
import { limitContradiction } from './limit-contradiction.ts'
import { withContainerLock } from './lock.ts'
import { isRunning } from './observe.ts'
import { settleLocked } from './settle.ts'
import { buildResources } from './spec/resources.ts'
import type { ContainerStores } from './stores.ts'

export interface UpdateRequest {
  readonly name: string
  /** Those to change; the rest stay. */
  readonly limits: Partial<ResourceLimits>
  readonly restartPolicy: RestartPolicy | undefined
}

/**
 * Change limits and the restart policy of a container: at once if it runs, and for its next starts.
 * What the kernel refuses changes nothing.
 *
 * @throws  NOT_FOUND, INVALID_ARGUMENT for what contradicts the limits it has, RUNTIME_FAILED
 * Source: docker update
 */
export async function updateLimits(stores: ContainerStores, request: UpdateRequest): Promise<void> {
  const { id } = findContainer(stores.database, stores.namespace, request.name)
  await withContainerLock(stores, id, async (found) => {
    await settleLocked(stores, found)
    const record = findContainer(stores.database, stores.namespace, id)
    const config = changedConfig(asConfig(record.config), request)
    if (isRunning(record) && Object.keys(request.limits).length > 0) {
      const { devices: _, ...resources } = buildResources(config, hostFacts())
      const runtime = runtimeOf(stores.stateRoot, record.namespace, record.runtime)
      await updateRuntime(runtime, id, resources)
    }
    writeTransaction(stores.database, () => {
      updateContainer(stores.database, id, { config })
      recordContainerEvent(stores.database, record, 'update')
    })
  })
}

function changedConfig(
  config: ContainerConfig,
  { name, limits, restartPolicy }: UpdateRequest,
): ContainerConfig {
  if (restartPolicy !== undefined && restartPolicy.name !== 'no' && config.autoRemove) {
    const message = `container ${name}: goes when it ends (--rm), so nothing can start it again`
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  const resources = { ...config.resources, ...limits }
  // Said now, one of the two takes the place of the other that it had; both said now contradict.
  const { nanoCpus, cpuQuotaUs, cpuPeriodUs } = limits
  if (nanoCpus !== undefined) Object.assign(resources, { cpuQuotaUs, cpuPeriodUs })
  else if ((cpuQuotaUs ?? cpuPeriodUs) !== undefined) resources.nanoCpus = undefined
  const contradiction = limitContradiction(resources)
  if (contradiction !== undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `container ${name}: ${contradiction}`)
  }
  return { ...config, resources, ...(restartPolicy === undefined ? {} : { restartPolicy }) }
}
