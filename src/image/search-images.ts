import { field, type JsonObject, optionalArray } from '../oci/json-document.ts'
import { invalidFilter, splitFilter } from '../oci/key-value-filter.ts'
import type { ImageStores } from './stores.ts'

export interface SearchRequest {
  readonly term: string
  /** Of the index's API: `https://index.docker.io`. */
  readonly baseUrl: URL
  readonly limit: number
  readonly filters: readonly SearchFilter[]
  readonly signal?: AbortSignal | undefined
}

export interface FoundRepository {
  readonly name: string
  readonly description: string
  readonly stars: number
  readonly isOfficial: boolean
  readonly isAutomated: boolean
}

export type SearchFilter =
  | { readonly kind: 'stars'; readonly atLeast: number }
  | { readonly kind: 'is-official' | 'is-automated'; readonly value: boolean }

/** Read `key=value` as typed for `search --filter`. @throws INVALID_ARGUMENT */
export function parseSearchFilter(text: string): SearchFilter {
  const { key, value } = splitFilter(text)
  switch (key) {
    case 'stars':
      if (/^\d{1,9}$/.test(value)) return { kind: key, atLeast: Number(value) }
      throw invalidFilter(text, 'must be a number of stars')
    case 'is-official':
    case 'is-automated':
      if (['true', '1'].includes(value)) return { kind: key, value: true }
      if (['false', '0'].includes(value)) return { kind: key, value: false }
      throw invalidFilter(text, 'must be true or false')
    default:
      throw invalidFilter(text, 'no such filter', 'is-official, is-automated or stars')
  }
}

/**
 * Repositories that an index finds for a term, those with most stars first.
 *
 * @throws  UNAVAILABLE, INVALID_ARGUMENT if the answer is not the index's
 * Source: docker search; Docker Registry HTTP API V1 "Search"
 */
export async function searchImages(
  stores: Pick<ImageStores, 'registry'>,
  request: SearchRequest,
): Promise<FoundRepository[]> {
  const { term, baseUrl, limit, filters, signal } = request
  const url = new URL(baseUrl)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/v1/search`
  url.searchParams.set('q', term)
  url.searchParams.set('n', String(limit))
  const registry = await stores.registry()
  const what = `search ${JSON.stringify(term)}`
  const document = await registry.fetchApiDocument(url, what, signal)
  return (optionalArray(document, 'results', what) ?? [])
    .flatMap((result) => foundRepository(result) ?? [])
    .filter((found) => filters.every((filter) => passes(found, filter)))
    .toSorted((a, b) => b.stars - a.stars)
    .slice(0, limit)
}

function foundRepository(result: unknown): FoundRepository | undefined {
  if (typeof result !== 'object' || result === null) return undefined
  const value = (key: string): unknown => field(result as JsonObject, key)
  const [name, description, stars] = [value('name'), value('description'), value('star_count')]
  if (typeof name !== 'string') return undefined
  return {
    name,
    description: typeof description === 'string' ? description : '',
    stars: typeof stars === 'number' ? stars : 0,
    isOfficial: value('is_official') === true,
    isAutomated: value('is_automated') === true,
  }
}

function passes(found: FoundRepository, filter: SearchFilter): boolean {
  switch (filter.kind) {
    case 'stars':
      return found.stars >= filter.atLeast
    case 'is-official':
      return found.isOfficial === filter.value
    case 'is-automated':
      return found.isAutomated === filter.value
  }
}
