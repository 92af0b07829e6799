import { TsctrError } from '../errors.ts'
import { writeTransaction } from '../host/database.ts'
import { type ChainID, type Digest, digestHex } from '../oci/digest.ts'
import { isNameless } from '../oci/nameless.ts'
import type { Platform } from '../oci/platform.ts'
import {
  familiarName,
  familiarRepository,
  parseReference,
  repositoryName,
} from '../oci/reference.ts'
import { type ContainerRecord, listContainers } from '../store/containers.ts'
import { deleteImage, type ImageRecord } from '../store/images.ts'
import { findImages, isNameOf } from './find-image.ts'
import { recordImageEvent } from './image-event.ts'
import { layerSnapshots } from './image-layers.ts'
import { imageNames } from './image-names.ts'
import { shownImage } from './local-images.ts'
import { type KnownImage, mountsOfImage } from './mounted-images.ts'
import type { ImageStores } from './stores.ts'

export interface RemoveImageRequest {
  /** A name, an id or a start of one, as typed. */
  readonly text: string
  readonly platform: Platform
  /** Also where it takes several names, or a name from under a container. */
  readonly isForced: boolean
  readonly isRunning: (container: ContainerRecord) => boolean
}

export interface RemovedImage {
  /** Names that are gone, as docker shows them; `redis@sha256:…` after a repository's last. */
  readonly untagged: readonly string[]
  readonly id: Digest
  readonly layersTopFirst: readonly ChainID[]
}

/**
 * Forget names of an image: the one that is given, or all of them when it is given by an id.
 *
 * Content and snapshots stay: what nothing needs any more is garbage.
 *
 * @throws  NOT_FOUND; FAILED_PRECONDITION where docker refuses: the last name of an image that a
 *          container uses, several names at once, the image of a running container; the last name of
 *          a mounted image
 * Source: docker rmi
 */
export function removeImage(
  stores: Pick<ImageStores, 'namespace' | 'database' | 'content' | 'snapshots'>,
  request: RemoveImageRequest,
): RemovedImage {
  const { text, platform } = request
  return writeTransaction(stores.database, () => {
    const found = findImages(stores, text, platform)
    const [first] = found
    if (first === undefined) throw new Error('bug: no image was found, and no error')
    const local = shownImage(stores, first.target, platform)
    const id = local?.manifest.config.digest ?? first.target.digest
    const names = imageNames(stores, id, platform)
    const users = listContainers(stores.database, stores.namespace).filter(
      (container) =>
        container.imageConfigDigest === id || container.imageTargetDigest === first.target.digest,
    )
    if (isNameOf(first, text)) checkName(request, first, id, names, users)
    else checkId(request, id, found, users)
    if (names.length === found.length) checkMounts(stores, request, { id, target: first.target })
    for (const image of found) forgetName(stores, image)
    if (names.length === found.length && users.length === 0) {
      recordImageEvent(stores, 'delete', first.target.digest, first.name)
    }
    const gone = new Set(found.map(({ name }) => name))
    const left = names.filter(({ name }) => !gone.has(name))
    return {
      untagged: found.flatMap((image) => untaggedNames(image, left)),
      id,
      layersTopFirst: local === undefined ? [] : layerSnapshots(local).toReversed(),
    }
  })
}

/** Inside a transaction. An image that had no name loses none by it. */
export function forgetName(
  stores: Pick<ImageStores, 'namespace' | 'database'>,
  { name, target }: Pick<ImageRecord, 'name' | 'target'>,
): void {
  deleteImage(stores.database, stores.namespace, name)
  if (!isNameless(parseReference(name))) recordImageEvent(stores, 'untag', target.digest, name)
}

function checkName(
  { isForced }: RemoveImageRequest,
  image: ImageRecord,
  id: Digest,
  names: readonly ImageRecord[],
  users: readonly ContainerRecord[],
): void {
  const [user] = users
  if (isForced || names.length > 1 || user === undefined) return
  const name = familiarName(parseReference(image.name))
  throw conflict(
    `unable to remove repository reference "${name}" (must force)`,
    `container ${short(user.id)} is using its referenced image ${short(digestHex(id))}`,
    `tsctr rm ${user.name}, or tsctr rmi -f ${name}`,
  )
}

function checkId(
  { isForced, isRunning, text }: RemoveImageRequest,
  id: Digest,
  names: readonly ImageRecord[],
  users: readonly ContainerRecord[],
): void {
  const what = `unable to delete ${short(digestHex(id))}`
  const running = users.find(isRunning)
  if (running !== undefined) {
    throw conflict(
      `${what} (cannot be forced)`,
      `image is being used by running container ${short(running.id)}`,
      `tsctr stop ${running.name}`,
    )
  }
  if (isForced) return
  if (names.length > 1) {
    const listed = names.map(({ name }) => familiarName(parseReference(name))).join(' ')
    const why = 'image is referenced in multiple repositories'
    throw conflict(`${what} (must be forced)`, why, `tsctr rmi ${listed}, or tsctr rmi -f ${text}`)
  }
  const [stopped] = users
  if (stopped === undefined) return
  throw conflict(
    `${what} (must be forced)`,
    `image is being used by stopped container ${short(stopped.id)}`,
    `tsctr rm ${stopped.name}, or tsctr rmi -f ${text}`,
  )
}

function checkMounts(
  stores: Pick<ImageStores, 'snapshots'>,
  { isForced }: RemoveImageRequest,
  image: KnownImage,
): void {
  const [mount] = mountsOfImage(stores, image)
  if (isForced || mount === undefined) return
  const what = `unable to delete ${short(digestHex(image.id))} (must be forced)`
  throw conflict(what, `image is mounted at ${mount.target}`, `tsctr image unmount ${mount.target}`)
}

function conflict(what: string, why: string, hint: string): TsctrError {
  return new TsctrError('FAILED_PRECONDITION', `conflict: ${what} - ${why}`, { hint })
}

/** docker speaks of the digest, too, when a repository's last name of it goes. */
export function untaggedNames(
  { name, target }: Pick<ImageRecord, 'name' | 'target'>,
  left: readonly Pick<ImageRecord, 'name' | 'target'>[],
): string[] {
  const reference = parseReference(name)
  if (isNameless(reference)) return []
  const isLast = !left.some(
    (image) =>
      image.target.digest === target.digest &&
      repositoryName(parseReference(image.name)) === repositoryName(reference),
  )
  const byDigest = `${familiarRepository(reference)}@${target.digest}`
  return [...new Set([familiarName(reference), ...(isLast ? [byDigest] : [])])]
}

function short(id: string): string {
  return id.slice(0, 12)
}
