import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { formatHostEntries, type HostEntry } from './hosts-file.ts'

const begin = '# Containers of the same networks, kept up to date by tsctr:\n'
const end = '# End of the containers.\n'

/** The managed part of a file. */
export function managedHosts(entries: readonly HostEntry[]): string {
  return entries.length === 0 ? '' : begin + formatHostEntries(entries) + end
}

/**
 * Put names of containers in place of those that a container's /etc/hosts has; all else in it, and
 * what its programs have written, stays.
 *
 * @param managed  as managedHosts makes it: containers of one network share it
 *
 * The file is bind-mounted, so it is written in place, and grows before it shrinks: a reader never
 * finds it empty. A file that is gone is no error: its container is being removed.
 */
export function writeManagedHosts(path: string, managed: string): void {
  let fd: number
  try {
    fd = openSync(path, 'r+')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return
    throw error
  }
  try {
    const before = readFileSync(fd, 'utf8')
    const after = withManaged(before, managed)
    if (after === before) return
    const bytes = Buffer.from(after)
    writeSync(fd, bytes, 0, bytes.length, 0)
    ftruncateSync(fd, bytes.length)
  } finally {
    closeSync(fd)
  }
}

function withManaged(text: string, managed: string): string {
  const from = text.indexOf(begin)
  const to = from < 0 ? -1 : text.indexOf(end, from)
  if (from < 0 || to < 0) return (from < 0 ? text : text.slice(0, from)) + managed
  return text.slice(0, from) + managed + text.slice(to + end.length)
}
