import type { Stats } from 'node:fs'

const allocationBytes = 4096

/** What a snapshot takes on disk, counted while it is written: asking each file costs a call. */
export interface Usage {
  sizeBytes: number
  inodes: number
}

/** Bytes in whole blocks, as most file systems allocate them. */
export function allocatedBytes(sizeBytes: number): number {
  return Math.ceil(sizeBytes / allocationBytes) * allocationBytes
}

export function addFile(usage: Usage, writtenBytes: number): void {
  usage.sizeBytes += allocatedBytes(writtenBytes)
  usage.inodes += 1
}

export function addDirectory(usage: Usage): void {
  addFile(usage, allocationBytes)
}

/** Take back what a removed file counted; another name of it keeps it. */
export function subtract(usage: Usage, stats: Stats): void {
  if (stats.isDirectory()) addInverse(usage, allocationBytes)
  else if (stats.nlink === 1) addInverse(usage, stats.isFile() ? stats.size : 0)
}

function addInverse(usage: Usage, sizeBytes: number): void {
  usage.sizeBytes -= allocatedBytes(sizeBytes)
  usage.inodes -= 1
}
