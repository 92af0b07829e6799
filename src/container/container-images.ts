import type { ImageConfig } from '../oci/image-config.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { getImage } from '../store/images.ts'
import { asConfig } from './config.ts'
import { imageConfigOf } from './image-process.ts'
import type { ContainerStores } from './stores.ts'

type Stores = Pick<ContainerStores, 'content' | 'database' | 'namespace'>

/** What a listing shows of its containers' images; each image is read at most once, if at all. */
export class ContainerImages {
  readonly #stores: Stores
  readonly #configs = new Map<string | undefined, ImageConfig | undefined>()
  readonly #targets = new Map<string, string | undefined>()

  constructor(stores: Stores) {
    this.#stores = stores
  }

  /** undefined for a bare rootfs, and if it is not here any more. */
  config(record: ContainerRecord): ImageConfig | undefined {
    const key = record.imageConfigDigest
    if (!this.#configs.has(key)) this.#configs.set(key, imageConfigOf(this.#stores, record))
    return this.#configs.get(key)
  }

  /**
   * The image as it was typed; its id where the name means another image by now, or none; the
   * directory of a bare rootfs.
   */
  name(record: ContainerRecord): string {
    const { imageConfigDigest: id, imageTargetDigest: target } = record
    if (id === undefined) return record.imageName
    const typed = asConfig(record.config).image
    const isId = [id, target].some((digest) => isStartOf(typed, digest))
    return isId || this.#targetOf(record.imageName) === target ? typed : id
  }

  #targetOf(name: string): string | undefined {
    if (!this.#targets.has(name)) {
      const image = getImage(this.#stores.database, this.#stores.namespace, name)
      this.#targets.set(name, image?.target.digest)
    }
    return this.#targets.get(name)
  }
}

function isStartOf(typed: string, digest: string | undefined): boolean {
  if (digest === undefined || !/^(sha256:)?[0-9a-f]{2,64}$/.test(typed)) return false
  return digest.startsWith(`sha256:${typed.replace(/^sha256:/, '')}`)
}
