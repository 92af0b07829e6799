import { TsctrError } from '../errors.ts'
import { runProgram } from '../host/exec.ts'
import { runtimeOf, runtimeProcesses } from '../runtime/runc.ts'
import { recordContainerEvent } from './container-event.ts'
import { isRunning } from './observe.ts'
import { chooseProcesses, refuseOtherPids, type TopProcesses } from './ps-output.ts'
import { settled } from './settled.ts'
import type { ContainerStores } from './stores.ts'

/**
 * What the host's `ps` shows of the processes of a container.
 *
 * @param psArguments  `-ef` if empty
 * @throws             NOT_FOUND, FAILED_PRECONDITION if it does not run, INVALID_ARGUMENT if ps shows
 *                     no PID column
 * Source: docker container top: pids are the host's
 */
export async function topContainer(
  stores: ContainerStores,
  request: { readonly name: string; readonly psArguments: readonly string[] },
): Promise<TopProcesses> {
  refuseOtherPids(request.psArguments)
  const record = await settled(stores, request.name)
  if (!isRunning(record)) {
    throw new TsctrError('FAILED_PRECONDITION', `container ${request.name}: is not running`)
  }
  const runtime = runtimeOf(stores.stateRoot, record.namespace, record.runtime)
  const pids = new Set(await runtimeProcesses(runtime, record.id))
  const psArguments = request.psArguments.length === 0 ? ['-ef'] : request.psArguments
  const { stdout } = await runProgram('ps', psArguments)
  const processes = chooseProcesses(stdout, pids)
  if (processes === undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `ps ${psArguments.join(' ')}: shows no PID column`)
  }
  recordContainerEvent(stores.database, record, 'top')
  return processes
}
