import { type DescriptorStatus, isTransfer, type ProgressEvent } from '../../image/progress.ts'
import { escapeControls } from './escape.ts'

/** One thing a pull works on: the reference, or a descriptor. */
export interface ProgressEntry {
  /** `docker.io/library/redis:alpine` or `layer-sha256:<64 hex>`, safe for a terminal. */
  readonly name: string
  readonly status: DescriptorStatus | 'resolving' | 'resolved'
  readonly offsetBytes: number
  readonly totalBytes: number
  /** Repository that a `mounted` blob was found in, safe for a terminal. */
  readonly mountedFrom?: string | undefined
}

/** What is known of a pull so far. */
export interface ProgressState {
  /** In the order they were first heard of. */
  readonly entries: () => readonly ProgressEntry[]
  /** Take in an event; the entry it is about, and whether its status is new. */
  readonly apply: (event: ProgressEvent) => { entry: ProgressEntry; isNewStatus: boolean }
  /** Bytes that were on the move: not those that an earlier pull had left. */
  readonly transferredBytes: () => number
  readonly elapsedMs: () => number
}

export function trackProgress(): ProgressState {
  const started = performance.now()
  const entries = new Map<string, ProgressEntry>()
  const transfers = new Map<string, { readonly from: number; to: number }>()
  return {
    entries: () => [...entries.values()],
    apply: (event) => {
      const entry = entryOf(event)
      const before = entries.get(entry.name)
      entries.set(entry.name, entry)
      const transfer = transfers.get(entry.name)
      if (transfer !== undefined) transfer.to = Math.max(transfer.to, entry.offsetBytes)
      else if (isTransfer(entry.status)) {
        transfers.set(entry.name, { from: entry.offsetBytes, to: entry.offsetBytes })
      }
      return { entry, isNewStatus: before?.status !== entry.status }
    },
    transferredBytes: () => {
      return [...transfers.values()].reduce((sum, { from, to }) => sum + to - from, 0)
    },
    elapsedMs: () => performance.now() - started,
  }
}

function entryOf(event: ProgressEvent): ProgressEntry {
  if (event.kind === 'file') return { ...event, name: escapeControls(event.name) }
  if (event.kind !== 'descriptor') {
    return {
      name: escapeControls(event.reference),
      status: event.kind,
      offsetBytes: 0,
      totalBytes: 0,
    }
  }
  const { role, digest, status, offsetBytes, totalBytes, mountedFrom } = event
  const from = mountedFrom === undefined ? {} : { mountedFrom: escapeControls(mountedFrom) }
  return { name: `${role}-${digest}`, status, offsetBytes, totalBytes, ...from }
}
