import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContainerConfig } from '../../src/container/config.ts'
import type { ContainerStores } from '../../src/container/stores.ts'
import { selfAsOwner } from '../../src/host/owner.ts'
import { hostPlatform } from '../../src/host/platform.ts'
import { chainIDs } from '../../src/oci/chain-id.ts'
import type { Descriptor } from '../../src/oci/descriptor.ts'
import { type DiffID, parseDigest } from '../../src/oci/digest.ts'
import { mediaTypes } from '../../src/oci/media-type.ts'
import { canonicalName, parseReference } from '../../src/oci/reference.ts'
import { containerFiles } from '../../src/runtime/container-files.ts'
import {
  type ContainerChange,
  type ContainerRecord,
  findContainer,
  insertContainer,
  updateContainer,
} from '../../src/store/containers.ts'
import { putImage } from '../../src/store/images.ts'
import { ensureNamespace } from '../../src/store/namespaces.ts'
import { openStores } from '../helpers/stores.ts'
import { plainConfig } from './spec/fixture.ts'

export interface TestStores extends ContainerStores {
  close(): void
}

/** Stores of their own, in which containers are rows and snapshots but never run. */
export function containerStores(): TestStores {
  const directory = mkdtempSync(join(tmpdir(), 'tsctr-containers-'))
  const dataRoot = join(directory, 'lib')
  mkdirSync(dataRoot)
  const stores = openStores(dataRoot)
  ensureNamespace(stores.database, 'default')
  return {
    ...stores,
    namespace: 'default',
    stateRoot: join(directory, 'run'),
    snapshotter: () => stores.snapshots,
    containerSnapshotter: 'overlayfs',
    selfCommand: ['false'],
    registry: () => Promise.reject(new Error('bug: no registry here')),
    close: () => {
      stores.database.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

export interface TestImage {
  readonly name: string
  readonly target: Descriptor
  readonly configDigest: string
  readonly chainID: string | undefined
}

/** An image whose layers are as good as unpacked. */
export function addImage(
  stores: TestStores,
  reference: string,
  image: { readonly layers: readonly string[]; readonly config?: object },
): TestImage {
  const { os, architecture } = hostPlatform()
  const diffIDs = image.layers.map((layer) => parseDigest(`sha256:${sha256(layer)}`) as DiffID)
  const write = (document: object, mediaType: string): Descriptor =>
    stores.content.writeDocument(Buffer.from(JSON.stringify(document)), { mediaType })
  const config = write(
    { os, architecture, config: image.config ?? {}, rootfs: { type: 'layers', diff_ids: diffIDs } },
    mediaTypes.ociConfig,
  )
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: config.mediaType, digest: config.digest, size: config.sizeBytes },
    layers: diffIDs.map((digest) => ({ mediaType: mediaTypes.ociLayer, digest, size: 1 })),
  }
  const target = write(manifest, mediaTypes.ociManifest)
  const name = canonicalName(parseReference(reference))
  putImage(stores.database, { namespace: stores.namespace, name, target })
  const chain = diffIDs.length === 0 ? [] : chainIDs(diffIDs)
  for (const [index, chainID] of chain.entries()) {
    if (stores.snapshots.walk().some(({ key }) => key === chainID)) continue
    stores.snapshots.prepare(`unpack ${chainID}`, chain[index - 1])
    stores.snapshots.commit(chainID, `unpack ${chainID}`)
  }
  return { name, target, configDigest: config.digest, chainID: chain.at(-1) }
}

/** A container as `create` leaves it, then changed. */
export function addContainer(
  stores: TestStores,
  name: string,
  container: {
    readonly image?: TestImage
    readonly config?: Partial<ContainerConfig>
    readonly change?: ContainerChange
  } = {},
): ContainerRecord {
  const { image } = container
  const config = plainConfig(container.config)
  const id = sha256(name)
  insertContainer(stores.database, {
    id,
    namespace: stores.namespace,
    name,
    imageName: image?.name ?? config.rootfs ?? '',
    imageTargetDigest: image?.target.digest,
    imageConfigDigest: image?.configDigest,
    config,
    labels: config.labels,
    snapshotter: 'overlayfs',
    snapshotKey: image === undefined ? undefined : id,
    runtime: { name: 'runc', path: '/usr/sbin/runc' },
    owner: selfAsOwner(),
  })
  mkdirSync(containerFiles(stores.dataRoot, id).directory, { recursive: true })
  if (image !== undefined) stores.snapshots.prepare(id, image.chainID)
  updateContainer(stores.database, id, { state: 'created', owner: undefined, ...container.change })
  return findContainer(stores.database, stores.namespace, id)
}

/** A container whose process and monitor are this very process. */
export function running(startedAt = new Date()): ContainerChange {
  return { state: 'running', process: selfAsOwner(), monitor: selfAsOwner(), startedAt }
}

export function exited(exitCode: number, finishedAt = new Date()): ContainerChange {
  return { state: 'exited', exitCode, startedAt: new Date(0), finishedAt }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
