import { TsctrError } from '../../errors.ts'
import { findCapability } from '../../oci/capability.ts'

/**
 * A capability, in full (`CAP_NET_ADMIN`), or `ALL`.
 *
 * @throws  INVALID_ARGUMENT
 */
export function parseCapability(text: string): string {
  if (text.toUpperCase() === 'ALL') return 'ALL'
  const name = findCapability(text)
  if (name !== undefined) return name
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: no such capability`, {
    hint: 'capabilities(7) lists them; ALL stands for all',
  })
}
