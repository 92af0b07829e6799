import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { hasCode, TsctrError } from '../errors.ts'
import { unsyncedTransaction, writeTransaction } from '../host/database.ts'
import { findProgram } from '../host/find-program.ts'
import { selfAsOwner } from '../host/owner.ts'
import type { LocalImage } from '../image/read-image.ts'
import { emptyImageProcess } from '../oci/image-config.ts'
import { containerFiles } from '../runtime/container-files.ts'
import {
  deleteContainer,
  getContainer,
  insertContainer,
  updateContainer,
} from '../store/containers.ts'
import { touchImage } from '../store/images.ts'
import { createLease } from '../store/leases.ts'
import { ensureNamespace } from '../store/namespaces.ts'
import { addVolumeUser, ownAnonymousVolumes } from '../store/volumes.ts'
import { declareVolume } from '../volume/create-volume.ts'
import { removeVolume } from '../volume/remove-volume.ts'
import { ensureVolumeDirectories } from '../volume/volume-directories.ts'
import type { ContainerConfig } from './config.ts'
import { recordContainerEvent } from './container-event.ts'
import { volumesOf } from './container-volumes.ts'
import { generateName } from './generate-name.ts'
import { mergeHealthcheck } from './health/healthcheck.ts'
import { containerLabels } from './labels.ts'
import { withPeerIds } from './peers.ts'
import { removeNamesake } from './remove-namesake.ts'
import { resolveMounts } from './resolve-mounts.ts'
import type { ContainerStores } from './stores.ts'

export interface CreateRequest {
  readonly config: ContainerConfig
  /** undefined with `rootfs`. */
  readonly image: { readonly name: string; readonly local: LocalImage } | undefined
  /** Name or path of the OCI runtime. */
  readonly runtime: string
  /** This process starts it next: until then it counts as half made, and goes if the process dies. */
  readonly isStartedNext: boolean
  /** Remove the container that has the name, once nothing else is in the way. */
  readonly replaces: boolean
}

const attemptsForName = 20

/**
 * Make a container: its record, its writable snapshot, its directory. Nothing runs.
 *
 * @returns  the container's id
 * @throws   ALREADY_EXISTS if the name is taken; nothing is left then
 */
export async function createContainer(
  stores: ContainerStores,
  request: CreateRequest,
): Promise<string> {
  const { image } = request
  const config = {
    ...withPeerIds(stores, request.config),
    mounts: resolveMounts(stores, request.config, image?.local.config.process.volumes ?? []),
    healthcheck: mergeHealthcheck(
      request.config.healthcheck,
      image?.local.config.process.healthcheck,
    ),
  }
  const id = randomBytes(32).toString('hex')
  const runtime = { name: request.runtime, path: findRuntime(request.runtime) }
  if (request.replaces) await removeNamesake(stores, config.name)
  const snapshotter = stores.containerSnapshotter
  const snapshotKey = config.rootfs === undefined ? id : undefined
  const lease = createLease(stores.database, `create ${id}`)
  try {
    if (snapshotKey !== undefined) lease.hold('snapshot', snapshotKey)
    // Synced with what follows: the record of a start, or that it is created.
    unsyncedTransaction(stores.database, () => {
      ensureNamespace(stores.database, stores.namespace)
      const volumes = volumesOf(config.mounts)
      for (const { name, isAnonymous, driverOptions = {}, labels = {} } of volumes) {
        declareVolume(stores, { name, isAnonymous, options: driverOptions, labels })
      }
      insertNamed(stores, config.name, (name) => ({
        id,
        namespace: stores.namespace,
        name,
        imageName: image?.name ?? config.rootfs ?? '',
        imageTargetDigest: image?.local.target.digest,
        imageConfigDigest: image?.local.manifest.config.digest,
        config,
        labels: containerLabels(image?.local.config.process ?? emptyImageProcess, config),
        snapshotter,
        snapshotKey,
        runtime,
        owner: selfAsOwner(),
      }))
      if (image !== undefined) touchImage(stores.database, stores.namespace, image.name)
      addVolumeUser(
        stores.database,
        id,
        volumes.map(({ name }) => name),
      )
      recordEventOf(stores, id, 'create')
    })
    try {
      mkdirSync(containerFiles(stores.dataRoot, id).directory, { recursive: true, mode: 0o700 })
      for (const { name } of volumesOf(config.mounts))
        ensureVolumeDirectories(stores.dataRoot, name)
      if (snapshotKey !== undefined)
        stores.snapshotter(snapshotter).prepare(snapshotKey, image?.local.chainID)
      if (!request.isStartedNext) {
        updateContainer(stores.database, id, { state: 'created', owner: undefined })
      }
    } catch (error) {
      undo(stores, id, snapshotKey)
      throw error
    }
  } finally {
    lease.release()
  }
  return id
}

function findRuntime(nameOrPath: string): string {
  try {
    return findProgram(nameOrPath)
  } catch (error) {
    if (!hasCode(error, 'FAILED_PRECONDITION')) throw error
    throw new TsctrError(error.code, `--runtime ${error.message}`, {
      hint: error.hint ?? 'runc, crun, or the path of another OCI runtime',
    })
  }
}

function insertNamed(
  stores: ContainerStores,
  wanted: string | undefined,
  record: (name: string) => Parameters<typeof insertContainer>[1],
): void {
  if (wanted !== undefined) {
    insertContainer(stores.database, record(wanted))
    return
  }
  for (let attempt = 0; attempt < attemptsForName; attempt += 1) {
    const suffix = attempt < attemptsForName / 2 ? '' : String(attempt)
    try {
      insertContainer(stores.database, record(generateName() + suffix))
      return
    } catch (error) {
      if (!hasCode(error, 'ALREADY_EXISTS')) throw error
    }
  }
  throw new TsctrError('UNAVAILABLE', 'name: no generated name is free', { hint: 'give --name' })
}

function undo(stores: ContainerStores, id: string, snapshotKey: string | undefined): void {
  if (snapshotKey !== undefined) {
    try {
      stores.snapshots.remove(snapshotKey)
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND')) throw error
    }
  }
  rmSync(containerFiles(stores.dataRoot, id).directory, { recursive: true, force: true })
  const volumes = ownAnonymousVolumes(stores.database, id)
  writeTransaction(stores.database, () => {
    recordEventOf(stores, id, 'destroy')
    deleteContainer(stores.database, id)
  })
  for (const volume of volumes) removeVolume(stores, volume)
}

function recordEventOf(stores: ContainerStores, id: string, action: string): void {
  const record = getContainer(stores.database, id)
  if (record !== undefined) recordContainerEvent(stores.database, record, action)
}
