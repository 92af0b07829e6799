import { TsctrError } from '../errors.ts'
import { field, parseJsonObject } from '../oci/json-document.ts'
import { isTag } from '../oci/reference.ts'
import { type Operand, readBody, statusError } from './registry-error.ts'
import type { HttpResponse } from './transport.ts'

export interface TagListOptions {
  /** Ask for a page of the list. */
  readonly request: (query: Readonly<Record<string, string>>) => Promise<HttpResponse>
  readonly operand: Operand
  /** A registry that goes on for ever must not fill the memory; 100 000. */
  readonly maxTags?: number | undefined
}

const pageSize = 1000
const maxPageBytes = 4 * 1024 * 1024
const defaultMaxTags = 100_000

/**
 * Every tag of a repository, page by page; what is no tag is left out.
 *
 * Of a `Link` to the next page only the query is taken, and only from the same list of the same
 * host: the request is the client's own.
 *
 * @throws  NOT_FOUND, UNAUTHORIZED, UNAVAILABLE
 * Source: OCI distribution-spec §listing-tags
 */
export async function readTagList(options: TagListOptions): Promise<string[]> {
  const { request, operand, maxTags = defaultMaxTags } = options
  const tags = new Set<string>()
  const asked = new Set<string>()
  let query: Record<string, string> | undefined = { n: String(pageSize) }
  while (query !== undefined) {
    const key = JSON.stringify(query)
    if (asked.has(key)) throw unusable(operand, 'its list of tags runs in a circle')
    asked.add(key)
    const response = await request(query)
    if (response.status !== 200) throw await statusError(operand, response)
    const bytes = await readBody(response, maxPageBytes, operand.what)
    for (const tag of tagsOf(bytes, operand)) tags.add(tag)
    if (tags.size > maxTags) throw unusable(operand, `it lists more than ${maxTags} tags`)
    query = nextQuery(response, operand)
  }
  return [...tags]
}

function tagsOf(bytes: Buffer, operand: Operand): string[] {
  // A repository without tags: some say null.
  const list = field(parseJsonObject(bytes, operand.what), 'tags') ?? []
  if (!Array.isArray(list)) throw unusable(operand, 'its answer is no list of tags')
  return list.filter((tag): tag is string => typeof tag === 'string' && isTag(tag))
}

function nextQuery(response: HttpResponse, operand: Operand): Record<string, string> | undefined {
  const link = response.header('link')
  const [, target] = /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(link ?? '') ?? []
  if (target === undefined) return undefined
  const next = URL.canParse(target, response.url.href) ? new URL(target, response.url) : undefined
  const isSame = next?.host === response.url.host && next.pathname === response.url.pathname
  if (next === undefined || !isSame) {
    throw unusable(operand, 'its list of tags goes on somewhere else')
  }
  return Object.fromEntries(next.searchParams)
}

function unusable({ what, host }: Operand, why: string): TsctrError {
  return new TsctrError('UNAVAILABLE', `${what}: registry ${host}: ${why}`)
}
