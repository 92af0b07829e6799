import { TsctrError } from '../errors.ts'
import { runProgram } from '../host/exec.ts'
import { runtimeOf, runtimeProcesses } from '../runtime/runc.ts'
import { isRunning } from './observe.ts'
import { settled } from './stop.ts'
import type { ContainerStores } from './stores.ts'

/**
 * The host's `ps` for the processes of a container.
 *
 * @param psArguments  `-ef` if empty
 * @returns            ps' title and the lines of the container's processes, as ps printed them
 * @throws             NOT_FOUND, FAILED_PRECONDITION if it does not run, INVALID_ARGUMENT if ps shows
 *                     no PID column
 * Source: docker container top: pids are the host's
 */
export async function topContainer(
  stores: ContainerStores,
  request: { readonly name: string; readonly psArguments: readonly string[] },
): Promise<string[]> {
  const record = await settled(stores, request.name)
  if (!isRunning(record)) {
    throw new TsctrError('FAILED_PRECONDITION', `container ${request.name}: is not running`)
  }
  const runtime = runtimeOf(stores.stateRoot, record.namespace, record.runtime)
  const pids = new Set(await runtimeProcesses(runtime, record.id))
  const psArguments = request.psArguments.length === 0 ? ['-ef'] : request.psArguments
  const { stdout } = await runProgram('ps', psArguments)
  const [title = '', ...lines] = stdout.trimEnd().split('\n')
  const column = title.trim().split(/\s+/).indexOf('PID')
  if (column < 0) {
    throw new TsctrError('INVALID_ARGUMENT', `ps ${psArguments.join(' ')}: shows no PID column`)
  }
  const ofContainer = lines.filter((line) => pids.has(Number(line.trim().split(/\s+/)[column])))
  return [title, ...ofContainer]
}
