import type { Digest } from '../oci/digest.ts'

export type DescriptorRole = 'index' | 'manifest' | 'config' | 'layer'

/** Bytes of the descriptor are on the move: `offsetBytes` of them so far. */
export function isTransfer(status: string): boolean {
  return transferStatuses.has(status)
}

const transferStatuses: ReadonlySet<string> = new Set([
  'downloading',
  'reading',
  'writing',
  'pushing',
])

/**
 * Where a descriptor stands. Each ends with `exists`, of which nothing had to be done, or `done`. A
 * layer that was fetched to be unpacked is `downloaded` until its turn comes.
 */
export type DescriptorStatus =
  | 'waiting'
  | 'exists'
  | 'downloading'
  | 'reading'
  | 'writing'
  | 'verifying'
  | 'downloaded'
  | 'unpacking'
  | 'done'
  | PushStatus

/** A push ends with `exists`, of which the registry had it, `pushed`, `mounted` or `skipped`. */
export type PushStatus = 'waiting' | 'exists' | 'pushing' | 'pushed' | 'mounted' | 'skipped'

/** What a pull, a push, a load or a save says of itself while it runs. */
export type ProgressEvent =
  | { readonly kind: 'resolving' | 'resolved'; readonly reference: string }
  | {
      /** A file of an archive; what it is turns out at the archive's end. */
      readonly kind: 'file'
      readonly name: string
      readonly status: 'reading' | 'done'
      readonly offsetBytes: number
      readonly totalBytes: number
    }
  | {
      readonly kind: 'descriptor'
      readonly role: DescriptorRole
      readonly digest: Digest
      readonly status: DescriptorStatus
      /** Bytes of the blob that are here; at the first `downloading`, those of an earlier pull. */
      readonly offsetBytes: number
      readonly totalBytes: number
      /** Repository that a `mounted` blob was found in. */
      readonly mountedFrom?: string | undefined
    }

/** Called from inside the work: it must be quick and must not throw. */
export type OnProgress = (event: ProgressEvent) => void
