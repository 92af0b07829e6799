import { closeSync, openSync } from 'node:fs'
import { dup2 } from './libc.ts'

/** Put /dev/null in the place of a descriptor, also for programs that this process becomes. */
export function redirectToNull(fd: number): void {
  const source = openSync('/dev/null', 'r+')
  // Node opens everything close-on-exec; the copy is not.
  dup2(source, fd)
  closeSync(source)
}
