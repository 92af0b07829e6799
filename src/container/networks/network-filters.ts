import { TsctrError } from '../../errors.ts'
import { parseUntil } from '../../host/moment.ts'
import { splitFilter } from '../../oci/key-value-filter.ts'
import { parseLabelFilter } from '../../oci/label-filter.ts'
import type { NetworkFilter } from './list-networks.ts'

/**
 * Read `key=value` as typed for `network ls --filter`.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker network ls, "Filtering"
 */
export function parseNetworkFilter(text: string): NetworkFilter {
  const { key: kind, value } = splitFilter(text)
  switch (kind) {
    case 'label':
    case 'label!':
      return parseLabelFilter(kind, value)
    case 'driver':
    case 'id':
    case 'name':
    case 'scope':
      return { kind, value }
    case 'until':
      return { kind, moment: parseUntil(value) }
    case 'type':
      if (value === 'custom' || value === 'builtin') return { kind, isCustom: value === 'custom' }
      throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be custom or builtin`)
    case 'dangling':
      if (/^(true|1)$/.test(value)) return { kind, isWanted: true }
      if (/^(false|0)$/.test(value)) return { kind, isWanted: false }
      throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be true or false`)
    default:
      throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: no such filter`, {
        hint: 'dangling, driver, id, label, label!, name, scope, type or until',
      })
  }
}
