import { mkdirSync } from 'node:fs'
import { mountAll } from '../host/mount.ts'
import type { Bundle } from '../runtime/bundle.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { asConfig } from './config.ts'
import { runningPeer, sharedMemoryOf } from './peers.ts'
import { sharedMemoryTmpfs } from './spec/mounts.ts'
import type { SpecInput } from './spec/spec-input.ts'
import type { ContainerStores } from './stores.ts'

/**
 * Look up the process and IPC namespaces of other containers that a container joins, and make what
 * others may share of its own.
 *
 * @throws  NOT_FOUND, FAILED_PRECONDITION if the other container does not run or does not share
 */
export async function prepareNamespaces(
  stores: ContainerStores,
  record: ContainerRecord,
  bundle: Bundle,
): Promise<Pick<SpecInput, 'peers' | 'sharedMemory'>> {
  const config = asConfig(record.config)
  const pid = await runningPeer(stores, config.pidMode, '--pid')
  const ipc = await runningPeer(stores, config.ipcMode, '--ipc')
  const peers = {
    pid: pid === undefined ? undefined : `/proc/${pid.pid}/ns/pid`,
    ipc: ipc === undefined ? undefined : `/proc/${ipc.pid}/ns/ipc`,
  }
  if (ipc !== undefined) return { peers, sharedMemory: await sharedMemoryOf(stores, ipc) }
  if (config.ipcMode !== 'shareable') return { peers }
  mkdirSync(bundle.sharedMemory, { recursive: true, mode: 0o755 })
  mountAll([sharedMemoryTmpfs(config)], bundle.sharedMemory)
  return { peers, sharedMemory: bundle.sharedMemory }
}
