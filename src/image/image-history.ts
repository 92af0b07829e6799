import { TsctrError } from '../errors.ts'
import type { Digest } from '../oci/digest.ts'
import type { Platform } from '../oci/platform.ts'
import { findImage } from './find-image.ts'
import { layerSnapshots } from './image-layers.ts'
import { shownImage } from './local-images.ts'
import type { ImageStores } from './stores.ts'

/** One step of an image's making. */
export interface HistoryStep {
  /** Of the image itself for its last step; nobody knows those of the others. */
  readonly id: Digest | undefined
  readonly createdAt: Date | undefined
  readonly createdBy: string
  readonly comment: string
  /** Of its layer, unpacked; 0 for a step without one, undefined while it is not unpacked. */
  readonly sizeBytes: number | undefined
}

/**
 * How an image was made, as its config tells it: last step first.
 *
 * @throws  NOT_FOUND if the image or its config is not here
 * Source: docker history
 */
export function imageHistory(
  stores: Pick<ImageStores, 'namespace' | 'database' | 'content' | 'snapshots'>,
  text: string,
  platform: Platform,
): HistoryStep[] {
  const { target } = findImage(stores, text, platform)
  const image = shownImage(stores, target, platform)
  if (image === undefined) {
    throw new TsctrError('NOT_FOUND', `image ${text}: its config is not here`, {
      hint: `tsctr pull ${text}`,
    })
  }
  const sizes = stores.snapshots.sizes()
  const layers = layerSnapshots(image)
  let used = 0
  const steps = image.config.history.map((entry) => {
    const chainID = entry.isEmptyLayer ? undefined : layers[used++]
    return {
      createdAt: timeOf(entry.created),
      createdBy: entry.createdBy ?? '',
      comment: entry.comment ?? '',
      sizeBytes: chainID === undefined ? 0 : sizes.get(chainID),
    }
  })
  // Some builders tell no history, or not all of it.
  const untold = layers.slice(used).map((chainID) => ({
    createdAt: timeOf(image.config.created),
    createdBy: '',
    comment: '',
    sizeBytes: sizes.get(chainID),
  }))
  const id = image.manifest.config.digest
  return [...steps, ...untold]
    .toReversed()
    .map((step, index) => ({ id: index === 0 ? id : undefined, ...step }))
}

function timeOf(text: string | undefined): Date | undefined {
  const time = new Date(text ?? Number.NaN)
  return Number.isNaN(time.getTime()) ? undefined : time
}
