import { writeTransaction } from '../host/database.ts'
import { namelessReference } from '../oci/nameless.ts'
import { canonicalName, type Reference } from '../oci/reference.ts'
import { deleteImage, listImages, putImage } from '../store/images.ts'
import { ensureNamespace } from '../store/namespaces.ts'
import type { Target } from './read-image.ts'
import type { ImageStores } from './stores.ts'

/** An image that is whole in the stores, and the names it is to have. */
export interface ImageToName {
  readonly target: Target
  /** None: it is kept without a name. */
  readonly references: readonly Reference[]
}

/** Give images their names, all of them or none; a name that is taken moves. */
export function nameImages(
  stores: Pick<ImageStores, 'database' | 'namespace'>,
  images: readonly ImageToName[],
): void {
  writeTransaction(stores.database, () => {
    ensureNamespace(stores.database, stores.namespace)
    for (const { target, references } of images) nameImage(stores, target, references)
  })
}

function nameImage(
  stores: Pick<ImageStores, 'database' | 'namespace'>,
  { mediaType, digest, sizeBytes }: Target,
  references: readonly Reference[],
): void {
  const { database, namespace } = stores
  const target = { mediaType, digest, sizeBytes }
  const put = (reference: Reference): void =>
    putImage(database, { namespace, name: canonicalName(reference), target })
  const nameless = namelessReference(digest)
  for (const reference of references) put(reference)
  // An image with a name needs no other to be kept.
  if (references.length > 0) deleteImage(database, namespace, canonicalName(nameless))
  else if (!listImages(database, namespace).some((image) => image.target.digest === digest)) {
    put(nameless)
  }
}
