import { statfsSync } from 'node:fs'

const reservedBytes = 1024 ** 3
const reservedFraction = 0.05
/** So much still fits on a disk that is nearly full. */
const smallBytes = 64 * 1024 * 1024

/** Whether writing should stop: a host without any space left fails in ways of its own. */
export function isNearlyFull(directory: string): boolean {
  const { freeBytes, keptBytes } = spaceIn(directory)
  return freeBytes < keptBytes
}

/** Whether a file of this size fits and, if it is not small, leaves some space for others. */
export function hasRoomFor(directory: string, sizeBytes: number): boolean {
  const { freeBytes, keptBytes } = spaceIn(directory)
  return sizeBytes <= freeBytes - (sizeBytes > smallBytes ? keptBytes : 0)
}

function spaceIn(directory: string): { freeBytes: number; keptBytes: number } {
  const { bavail, blocks, bsize } = statfsSync(directory)
  return {
    freeBytes: bavail * bsize,
    keptBytes: Math.min(reservedBytes, blocks * bsize * reservedFraction),
  }
}
