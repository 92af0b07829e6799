import { TsctrError } from '../errors.ts'
import { familiarName } from '../oci/reference.ts'
import { findWholeImage } from './find-whole-image.ts'
import { type PulledImage, type PullRequest, pullImage } from './pull.ts'
import type { PullPolicy } from './pull-policy.ts'
import type { ImageStores } from './stores.ts'
import { isUnpacked, unpackLocal } from './unpack-local.ts'

export interface PolicedPull extends PulledImage {
  /** Why what is here had to do, under `newer`. */
  readonly failure: TsctrError | undefined
}

/**
 * Pull an image, or find that it need not be.
 *
 * Whether everything of an index is here only its registry tells: with `others: all`, what is
 * missing is looked for there.
 *
 * @throws  NOT_FOUND if it is not here and is not to be pulled; as pullImage
 */
export async function pullByPolicy(
  stores: ImageStores,
  request: PullRequest & { readonly policy: PullPolicy },
): Promise<PolicedPull> {
  const { policy } = request
  const isAll = request.others?.platforms === 'all'
  if (policy === 'never' || (policy === 'missing' && !isAll)) {
    const local = await useLocal(stores, request)
    if (local !== undefined) return { ...local, failure: undefined }
  }
  if (policy === 'never') throw notHere(request)
  try {
    return { ...(await pullImage(stores, request)), failure: undefined }
  } catch (failure) {
    const isOver = policy !== 'newer' || request.signal?.aborted === true
    if (isOver || !(failure instanceof TsctrError)) throw failure
    const local = await useLocal(stores, request)
    if (local === undefined) throw failure
    return { ...local, failure }
  }
}

/** The image as it is here; undefined unless each of its platforms that are asked for is. */
async function useLocal(
  stores: ImageStores,
  request: PullRequest,
): Promise<PulledImage | undefined> {
  const { reference, platform, others, unpacks } = request
  const text = familiarName(reference)
  const more = others === undefined || others.platforms === 'all' ? [] : others.platforms
  const found = [platform, ...more].map((each) => findWholeImage(stores, text, each))
  for (const [index, each] of found.entries()) {
    if (each === undefined) return undefined
    const isWanted = index === 0 ? unpacks : others?.unpacks === true
    if (isWanted && !isUnpacked(stores, each.local)) await unpackLocal(stores, each.local, request)
  }
  const [first] = found
  if (first === undefined) return undefined
  return { name: first.name, image: first.local, wasUpToDate: true }
}

function notHere({ reference }: PullRequest): TsctrError {
  const name = familiarName(reference)
  return new TsctrError('NOT_FOUND', `image ${name}: not here`, {
    hint: `tsctr pull ${name}, or --policy missing`,
  })
}
