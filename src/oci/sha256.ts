import { hash } from 'node:crypto'
import type { Digest } from './digest.ts'

/** Digest of bytes at hand. */
export function sha256Digest(bytes: Buffer | string): Digest {
  return `sha256:${hash('sha256', bytes)}` as Digest
}
