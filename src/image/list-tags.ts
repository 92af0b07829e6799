import { hasCode } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { Reference } from '../oci/reference.ts'
import { compareVersions } from './compare-versions.ts'
import type { ImageStores } from './stores.ts'
import { taskQueue } from './task-queue.ts'

export interface ListTagsRequest {
  /** Its tag does not count. */
  readonly reference: Reference
  /** The registry's own order without it. */
  readonly sort: 'semver' | 'name' | undefined
  readonly withDigests: boolean
  readonly signal?: AbortSignal | undefined
}

export interface RemoteTag {
  readonly tag: string
  /** What it points at now; only if asked for, and undefined for one that has just gone. */
  readonly digest: Digest | undefined
}

const maxRequests = 6

/**
 * The tags of a repository, with what they point at where that is asked for.
 *
 * @throws  as RegistryClient.listTags
 */
export async function listRemoteTags(
  stores: Pick<ImageStores, 'registry'>,
  request: ListTagsRequest,
): Promise<RemoteTag[]> {
  const registry = await stores.registry()
  const { reference, signal } = request
  const tags = sorted(await registry.listTags(reference, signal), request.sort)
  if (!request.withDigests) return tags.map((tag) => ({ tag, digest: undefined }))
  const enqueue = taskQueue(maxRequests)
  const digestOf = async (tag: string): Promise<Digest | undefined> => {
    try {
      return await registry.resolveDigest({ ...reference, tag, digest: undefined }, signal)
    } catch (error) {
      // Deleted since the list was made, which is no reason to show none of the others.
      if (hasCode(error, 'NOT_FOUND')) return undefined
      throw error
    }
  }
  return Promise.all(tags.map(async (tag) => ({ tag, digest: await enqueue(() => digestOf(tag)) })))
}

function sorted(tags: string[], sort: ListTagsRequest['sort']): string[] {
  if (sort === undefined) return tags
  return sort === 'name' ? tags.toSorted() : tags.toSorted(compareVersions)
}
