import { TsctrError } from '../errors.ts'
import { type Digest, parseDigest } from '../oci/digest.ts'

/**
 * Read what another machine has: digests, one a line, as `tsctr content ls -q` prints them there.
 *
 * @param what  names the list in messages
 * @throws      INVALID_ARGUMENT, naming the line
 */
export function readInventory(text: string, what: string): ReadonlySet<Digest> {
  const digests = new Set<Digest>()
  for (const [index, line] of text.split('\n').entries()) {
    const word = line.trim()
    if (word === '') continue
    try {
      digests.add(parseDigest(word))
    } catch (cause) {
      throw new TsctrError('INVALID_ARGUMENT', `${what}: line ${index + 1}`, {
        cause,
        hint: 'it holds what `tsctr content ls -q` prints on the other side',
      })
    }
  }
  return digests
}
