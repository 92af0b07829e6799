import type { Digest } from './digest.ts'
import type { Platform } from './platform.ts'

/** Points at a blob. Source: OCI image-spec §descriptor.md */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly sizeBytes: number
  /** Only in an index. */
  readonly platform?: Platform | undefined
  readonly annotations?: ReadonlyMap<string, string> | undefined
  readonly urls?: readonly string[] | undefined
  /** The blob itself, as long as it should be; its digest is for the reader to check. */
  readonly data?: Buffer | undefined
  readonly artifactType?: string | undefined
}
