import { existsSync } from 'node:fs'
import { TsctrError } from '../errors.ts'
import { bundleOf } from '../runtime/bundle.ts'
import { type ContainerRecord, findContainer } from '../store/containers.ts'
import { asConfig, type ContainerConfig, peerOf } from './config.ts'
import { isRunning } from './observe.ts'
import { settled } from './settled.ts'
import { containerHostname } from './spec/command-line.ts'
import type { ContainerStores } from './stores.ts'

/** Another container whose namespace is to be joined, running. */
export interface Peer {
  readonly record: ContainerRecord
  readonly pid: number
}

/**
 * The config with ids in place of the names of other containers, which may be given to others
 * later. Who shares a network shares the name of the host in it.
 *
 * @throws  NOT_FOUND
 */
export function withPeerIds(stores: ContainerStores, config: ContainerConfig): ContainerConfig {
  const find = (mode: string, flag: string): ContainerRecord | undefined => {
    const name = peerOf(mode)
    return name === undefined ? undefined : findPeer(stores, name, flag)
  }
  const network = find(config.networkMode, '--network')
  const pid = find(config.pidMode, '--pid')
  const ipc = find(config.ipcMode, '--ipc')
  return {
    ...config,
    ...(pid === undefined ? {} : { pidMode: `container:${pid.id}` }),
    ...(ipc === undefined ? {} : { ipcMode: `container:${ipc.id}` }),
    ...(network === undefined
      ? {}
      : {
          networkMode: `container:${network.id}`,
          hostname: config.hostname ?? containerHostname(asConfig(network.config), network.id),
          domainname: asConfig(network.config).domainname,
        }),
  }
}

/**
 * The container that a mode names, as it is now.
 *
 * @param flag  what asked for it
 * @returns     undefined for a mode that names none
 * @throws      NOT_FOUND, FAILED_PRECONDITION if it does not run
 */
export async function runningPeer(
  stores: ContainerStores,
  mode: string,
  flag: string,
): Promise<Peer | undefined> {
  const id = peerOf(mode)
  if (id === undefined) return undefined
  const { name } = findPeer(stores, id, flag)
  const record = await settled(stores, id)
  if (isRunning(record) && record.process !== undefined) {
    return { record, pid: record.process.pid }
  }
  throw new TsctrError('FAILED_PRECONDITION', `${flag} container:${name}: is not running`, {
    hint: `tsctr start ${name}`,
  })
}

/**
 * Where the /dev/shm of a container that shares its IPC namespace lies on the host.
 *
 * @throws  FAILED_PRECONDITION if it does not share it
 */
export async function sharedMemoryOf(stores: ContainerStores, peer: Peer): Promise<string> {
  const { ipcMode } = asConfig(peer.record.config)
  if (ipcMode === 'host') return '/dev/shm'
  const further = await runningPeer(stores, ipcMode, '--ipc')
  if (further !== undefined) return sharedMemoryOf(stores, further)
  const { sharedMemory } = bundleOf(stores.stateRoot, peer.record.namespace, peer.record.id)
  if (ipcMode === 'shareable' && existsSync(sharedMemory)) return sharedMemory
  const message = `--ipc container:${peer.record.name}: does not share its IPC namespace`
  throw new TsctrError('FAILED_PRECONDITION', message, {
    hint: `run ${peer.record.name} with --ipc shareable`,
  })
}

function findPeer(stores: ContainerStores, name: string, flag: string): ContainerRecord {
  try {
    return findContainer(stores.database, stores.namespace, name)
  } catch (cause) {
    if (!(cause instanceof TsctrError)) throw cause
    throw new TsctrError(cause.code, `${flag} ${cause.message}`, { cause: cause.cause })
  }
}
