import { TsctrError } from '../errors.ts'
import { createLease, type Lease } from '../store/leases.ts'
import { type EnsureImageRequest, ensureImage } from './ensure-image.ts'
import type { WholeImage } from './find-whole-image.ts'
import type { LocalImage } from './read-image.ts'
import type { ImageStores } from './stores.ts'
import { isUnpacked } from './unpack-local.ts'

const maxAttempts = 5

/**
 * Have an image ready, as ensureImage does, and keep it so until `use` has recorded what needs it:
 * it may lose its name meanwhile, but neither content nor snapshots.
 *
 * @throws  as ensureImage; what `use` throws
 */
export async function useImage<T>(
  stores: ImageStores,
  request: EnsureImageRequest,
  use: (image: WholeImage) => T | Promise<T>,
): Promise<T> {
  const lease = createLease(stores.database, `use ${request.reference}`)
  try {
    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      const image = await ensureImage(stores, request)
      hold(lease, image.local)
      // Somebody may have removed it in between. What is here now is held and stays.
      if (isHere(stores, image.local)) return await use(image)
    }
    throw new TsctrError('UNAVAILABLE', `image ${request.reference}: is removed again and again`)
  } finally {
    lease.release()
  }
}

function hold(lease: Lease, { target, manifestDescriptor, manifest, chainID }: LocalImage): void {
  lease.hold('blob', target.digest, manifestDescriptor.digest, manifest.config.digest)
  if (chainID !== undefined) lease.hold('snapshot', chainID)
}

function isHere(stores: Pick<ImageStores, 'content' | 'snapshots'>, image: LocalImage): boolean {
  const { target, manifestDescriptor, manifest } = image
  return (
    isUnpacked(stores, image) &&
    [target, manifestDescriptor, manifest.config].every(
      ({ digest }) => stores.content.stat(digest) !== undefined,
    )
  )
}
