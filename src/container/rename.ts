import { TsctrError } from '../errors.ts'
import { writeTransaction } from '../host/database.ts'
import { findContainer, renameContainerRow } from '../store/containers.ts'
import { recordContainerEvent } from './container-event.ts'
import type { ContainerStores } from './stores.ts'

/**
 * Give a container another name, whatever state it is in.
 *
 * @param to  already checked by parseContainerName
 * @returns   its id
 * @throws    NOT_FOUND; ALREADY_EXISTS if the name is taken, also by the container itself
 * Source: docker container rename
 */
export function renameContainer(
  stores: Pick<ContainerStores, 'database' | 'namespace'>,
  request: { readonly from: string; readonly to: string },
): string {
  const { database, namespace } = stores
  return writeTransaction(database, () => {
    const record = findContainer(database, namespace, request.from)
    if (record.name === request.to) {
      throw new TsctrError('ALREADY_EXISTS', `container ${request.to}: has this name already`)
    }
    renameContainerRow(database, record, request.to)
    const renamed = { ...record, name: request.to }
    recordContainerEvent(database, renamed, 'rename', { oldName: `/${record.name}` })
    return record.id
  })
}
