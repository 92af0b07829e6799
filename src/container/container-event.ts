import type { Database } from '../host/database.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { recordEvent } from '../store/events.ts'
import { asConfig } from './config.ts'

/**
 * Write to the journal what happened to a container.
 *
 * @param action   in docker's words
 * @param further  attributes beside the image, the name and the labels
 * @param timeUs   when it happened, if not now
 */
export function recordContainerEvent(
  database: Database,
  record: Pick<ContainerRecord, 'id' | 'namespace' | 'name' | 'imageName' | 'config' | 'labels'>,
  action: string,
  further: Readonly<Record<string, string>> = {},
  timeUs?: number,
): void {
  const { id, namespace, name, labels } = record
  const image = asConfig(record.config).image || record.imageName
  const attributes = { ...labels, ...further, image, name }
  recordEvent(database, { namespace, type: 'container', action, actorId: id, attributes }, timeUs)
}
