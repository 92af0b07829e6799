import { TsctrError } from '../errors.ts'
import type { Database } from '../host/database.ts'
import { type LabelFilter, parseLabelFilter, passesLabelFilter } from '../oci/label-filter.ts'
import { type VolumeRecord, volumeUsers } from '../store/volumes.ts'

/** One `--filter`, read. Those of one kind are alternatives, but labels must all be there. */
export type VolumeFilter =
  | LabelFilter
  | { readonly kind: 'name' | 'driver'; readonly value: string }
  /** Whether no container has it. */
  | { readonly kind: 'dangling'; readonly isWanted: boolean }

/**
 * Read `key=value` as typed for `volume ls --filter`.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker volume ls, "Filtering"
 */
export function parseVolumeFilter(text: string): VolumeFilter {
  const [, kind = '', value = ''] = /^([^=!]*!?)=(.*)$/s.exec(text) ?? []
  switch (kind) {
    case 'label':
    case 'label!':
      return parseLabelFilter(kind, value)
    case 'name':
    case 'driver':
      return { kind, value }
    case 'dangling':
      if (/^(true|1)$/.test(value)) return { kind, isWanted: true }
      if (/^(false|0)$/.test(value)) return { kind, isWanted: false }
      throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be true or false`)
    default:
      throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: no such filter`, {
        hint: 'dangling, driver, label, label! or name',
      })
  }
}

export function passesVolumeFilters(
  database: Database,
  volume: VolumeRecord,
  filters: readonly VolumeFilter[],
): boolean {
  const kinds = new Set(filters.map(({ kind }) => kind))
  return [...kinds].every((kind) => {
    const ofKind = filters.filter((filter) => filter.kind === kind)
    const passes = (filter: VolumeFilter): boolean => passesFilter(database, volume, filter)
    return kind === 'label' || kind === 'label!' ? ofKind.every(passes) : ofKind.some(passes)
  })
}

function passesFilter(database: Database, volume: VolumeRecord, filter: VolumeFilter): boolean {
  switch (filter.kind) {
    case 'label':
    case 'label!': {
      const { labels } = volume
      return passesLabelFilter(
        filter,
        Object.hasOwn(labels, filter.key) ? labels[filter.key] : undefined,
      )
    }
    case 'name':
      return volume.name.includes(filter.value)
    case 'driver':
      return volume.driver === filter.value
    case 'dangling':
      return (volumeUsers(database, volume.name).length === 0) === filter.isWanted
  }
}
