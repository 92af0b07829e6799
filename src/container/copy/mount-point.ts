import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** Never mounted on where others see it, so any number of processes use the same. */
export function makeMountPoint(stores: { readonly stateRoot: string }): string {
  const directory = join(stores.stateRoot, '.view')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  return directory
}
