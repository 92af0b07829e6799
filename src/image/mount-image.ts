import { TsctrError } from '../errors.ts'
import type { Platform } from '../oci/platform.ts'
import { type MountedView, mountView } from '../snapshot/mounted-views.ts'
import type { Snapshotter } from '../snapshot/snapshotter.ts'
import { mountLabels } from './mounted-images.ts'
import type { ImageStores } from './stores.ts'
import { useImage } from './use-image.ts'

export interface MountImageRequest {
  /** A name, an id or a start of one, as typed. */
  readonly text: string
  readonly platform: Platform
  /** The snapshotter whose views this machine can mount. */
  readonly viewer: Snapshotter
  /** An existing directory; undefined for a new one below `home`. */
  readonly target: string | undefined
  readonly home: string
  readonly signal?: AbortSignal | undefined
}

/**
 * Mount an image that is here, read-only; it is unpacked first if it has to be.
 *
 * @throws  NOT_FOUND; as mountView
 */
export async function mountImage(
  stores: ImageStores,
  { text, platform, viewer, target, home, signal }: MountImageRequest,
): Promise<MountedView> {
  const request = { reference: text, platform, policy: 'never', signal } as const
  return useImage(stores, request, ({ name, local }) => {
    if (local.chainID === undefined) {
      throw new TsctrError('UNSUPPORTED', `image ${text}: has no layers, there is nothing to mount`)
    }
    const labels = {
      [mountLabels.name]: name,
      [mountLabels.config]: local.manifest.config.digest,
      [mountLabels.target]: local.target.digest,
    }
    return mountView(viewer, { parent: local.chainID, target, home, labels })
  })
}
