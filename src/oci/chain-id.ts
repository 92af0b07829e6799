import { TsctrError } from '../errors.ts'
import type { ChainID, DiffID } from './digest.ts'
import { sha256Digest } from './sha256.ts'

/**
 * Names for each prefix of a layer stack.
 *
 * @param diffIDs  uncompressed layer digests, base layer first; n >= 1
 * @returns        n chainIDs in the same order; the first equals diffIDs[0]
 * @throws         INVALID_ARGUMENT if the list is empty
 * Source: OCI image-spec §config.md#layer-chainid
 */
export function chainIDs(diffIDs: readonly DiffID[]): ChainID[] {
  const names: ChainID[] = []
  for (const diffID of diffIDs) {
    const below = names.at(-1)
    const name = below === undefined ? diffID : sha256Digest(`${below} ${diffID}`)
    names.push(name as unknown as ChainID)
  }
  if (names.length === 0) throw new TsctrError('INVALID_ARGUMENT', 'image config: no diff_ids')
  return names
}
