import { TsctrError } from '../errors.ts'
import { parseReference, type Reference } from '../oci/reference.ts'

/** A name for an image that is being made. @throws INVALID_ARGUMENT for one with a digest */
export function parseNewReference(text: string): Reference {
  const reference = parseReference(text)
  if (reference.digest === undefined) return reference
  throw new TsctrError('INVALID_ARGUMENT', `${text}: a digest cannot be given to an image`)
}
