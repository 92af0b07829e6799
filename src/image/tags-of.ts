import { TsctrError } from '../errors.ts'
import { parseReference, type Reference, repositoryName } from '../oci/reference.ts'
import { listImages } from '../store/images.ts'
import type { ImageStores } from './stores.ts'

/**
 * Every tag of a repository that is here, in alphabetical order.
 *
 * @throws  NOT_FOUND if there is none
 */
export function tagsOf(
  stores: Pick<ImageStores, 'database' | 'namespace'>,
  repository: Reference,
): Reference[] {
  const name = repositoryName(repository)
  const tags = listImages(stores.database, stores.namespace)
    .map((image) => parseReference(image.name))
    .filter((reference) => repositoryName(reference) === name && reference.digest === undefined)
    .sort((a, b) => ((a.tag ?? '') < (b.tag ?? '') ? -1 : 1))
  if (tags.length > 0) return tags
  throw new TsctrError('NOT_FOUND', `${name}: no image of this repository is here`, {
    hint: 'tsctr images lists those that are here',
  })
}
