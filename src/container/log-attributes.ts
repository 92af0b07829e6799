import { emptyImageProcess } from '../oci/image-config.ts'
import { type ContainerRecord, findContainer } from '../store/containers.ts'
import { asConfig } from './config.ts'
import { effectiveConfig } from './effective-config.ts'
import { imageConfigOf } from './image-process.ts'
import { logTag } from './log-tag.ts'
import type { ContainerStores } from './stores.ts'

export type LogAttribute = readonly [name: string, value: string]

/**
 * What `logs --details` shows of each line: the container's tag, and the labels and variables that
 * `--log-opt` chose. They are the same for all lines, so they are in no log.
 *
 * @returns  by name
 * @throws   NOT_FOUND
 * Source: moby daemon/logger/loginfo.go ExtraAttributes
 */
export function logAttributes(
  stores: Pick<ContainerStores, 'content' | 'database' | 'namespace'>,
  name: string,
): LogAttribute[] {
  const record = findContainer(stores.database, stores.namespace, name)
  const options = asConfig(record.config).log?.givenOptions ?? {}
  const chosen = [
    ...pick(options.labels, options['labels-regex'], Object.entries(record.labels)),
    ...pick(options.env, options['env-regex'], environment(stores, record, options)),
    ...(options.tag === undefined ? [] : [['tag', logTag(options.tag, record)] as const]),
  ]
  return [...new Map(chosen)].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
}

function pick(
  names: string | undefined,
  pattern: string | undefined,
  all: readonly LogAttribute[],
): LogAttribute[] {
  const wanted = new Set(names?.split(','))
  const expression = pattern === undefined || pattern === '' ? undefined : new RegExp(pattern)
  return all.filter(([name]) => wanted.has(name) || expression?.test(name) === true)
}

/** Read only where it is asked for: the image's part costs a blob. */
function environment(
  stores: Pick<ContainerStores, 'content'>,
  record: ContainerRecord,
  options: Readonly<Record<string, string>>,
): LogAttribute[] {
  if (options.env === undefined && options['env-regex'] === undefined) return []
  const image = imageConfigOf(stores, record)?.process ?? emptyImageProcess
  return effectiveConfig(record, image).env.map((entry) => {
    const [name = '', value = ''] = entry.split(/=(.*)/s)
    return [name, value] as const
  })
}
