import { chainIDs } from '../oci/chain-id.ts'
import type { ChainID } from '../oci/digest.ts'
import type { LocalImage } from './read-image.ts'

/** Names of the snapshots an image is unpacked into, base first. */
export function layerSnapshots({ config }: LocalImage): ChainID[] {
  return config.diffIDs.length === 0 ? [] : chainIDs(config.diffIDs)
}

/** Bytes of an image on disk, all its layers; undefined while it is not unpacked. */
export function unpackedBytes(
  image: LocalImage,
  sizes: ReadonlyMap<string, number>,
): number | undefined {
  return sumOfSizes(layerSnapshots(image), sizes)
}

/** Bytes of snapshots together; undefined if one of them is not there. */
export function sumOfSizes(
  names: readonly string[],
  sizes: ReadonlyMap<string, number>,
): number | undefined {
  let sum = 0
  for (const name of names) {
    const size = sizes.get(name)
    if (size === undefined) return undefined
    sum += size
  }
  return sum
}
