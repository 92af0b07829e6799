import { hasCode } from '../errors.ts'
import { parseDigest } from '../oci/digest.ts'
import {
  emptyImageProcess,
  type ImageConfig,
  type ImageProcessConfig,
  parseImageConfig,
} from '../oci/image-config.ts'
import { maxConfigBytes } from '../oci/image-manifest.ts'
import type { ContainerRecord } from '../store/containers.ts'
import type { ContainerStores } from './stores.ts'

/** What the image of a container says of its process; nothing for a container of a bare rootfs. */
export function imageProcessOf(
  stores: Pick<ContainerStores, 'content'>,
  record: ContainerRecord,
): ImageProcessConfig {
  return imageConfigOf(stores, record)?.process ?? emptyImageProcess
}

/** The config of a container's image; undefined for a bare rootfs, and if it is not here any more. */
export function imageConfigOf(
  stores: Pick<ContainerStores, 'content'>,
  record: ContainerRecord,
): ImageConfig | undefined {
  if (record.imageConfigDigest === undefined) return undefined
  const digest = parseDigest(record.imageConfigDigest)
  try {
    const bytes = stores.content.readDocument(digest, maxConfigBytes)
    return parseImageConfig(bytes, `config ${digest}`)
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error
    return undefined
  }
}
