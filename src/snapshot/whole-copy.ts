import { closeSync, existsSync, openSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Note that a directory holds all of a tree, not only what differs from its parents. */
export function markWhole(fs: string): void {
  closeSync(openSync(wholeMark(fs), 'wx', 0o600))
}

/**
 * When the copy in a directory was complete, in nanoseconds since the epoch: what was changed in it
 * later has a later ctime. undefined for a directory in overlay form.
 */
export function wholeSinceNs(fs: string): bigint | undefined {
  return statSync(wholeMark(fs), { bigint: true, throwIfNoEntry: false })?.ctimeNs
}

/**
 * Layers down to the first that holds all of a tree. What was deleted in a copy is just not there:
 * no whiteout hides it in the layers that were copied, so they must not be looked at again.
 */
export function upToWhole<T extends { readonly directory: string }>(
  layersTopFirst: readonly T[],
): readonly T[] {
  const whole = layersTopFirst.findIndex(({ directory }) => existsSync(wholeMark(directory)))
  return whole === -1 ? layersTopFirst : layersTopFirst.slice(0, whole + 1)
}

/** Beside `fs`, out of reach for what runs in it. */
function wholeMark(fs: string): string {
  return join(dirname(fs), 'whole')
}
