import { chainIDs } from '../oci/chain-id.ts'
import type { ChainID } from '../oci/digest.ts'
import type { LocalImage } from './read-image.ts'
import type { ImageStores } from './stores.ts'

/** Names of the snapshots an image is unpacked into, base first. */
export function layerSnapshots({ config }: LocalImage): ChainID[] {
  return config.diffIDs.length === 0 ? [] : chainIDs(config.diffIDs)
}

/** Bytes that each committed snapshot takes, by its name. */
export function snapshotSizes(stores: Pick<ImageStores, 'snapshots'>): Map<string, number> {
  const snapshots = stores.snapshots.walk().filter(({ kind }) => kind === 'committed')
  return new Map(snapshots.map(({ key, usage }) => [key, usage?.sizeBytes ?? 0]))
}

/** Bytes of an image on disk, all its layers; undefined while it is not unpacked. */
export function unpackedBytes(
  image: LocalImage,
  sizes: ReadonlyMap<string, number>,
): number | undefined {
  const layers = layerSnapshots(image)
  if (!layers.every((chainID) => sizes.has(chainID))) return undefined
  return layers.reduce((sum, chainID) => sum + (sizes.get(chainID) ?? 0), 0)
}
