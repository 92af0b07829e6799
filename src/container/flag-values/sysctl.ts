import { TsctrError } from '../../errors.ts'

// Source: namespaces(7), ipc_namespaces(7): settings that each namespace has for itself.
const namespaced = new Set([
  'kernel.domainname',
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
])

/**
 * `NAME=VALUE` for a setting that belongs to a namespace, with dots or slashes in the name.
 *
 * @throws  INVALID_ARGUMENT for one that is the whole host's
 */
export function parseSysctl(text: string): readonly [name: string, value: string] {
  const end = text.indexOf('=')
  const typed = text.slice(0, Math.max(end, 0))
  // sysctl(8): the first separator decides, and a dot in an interface's name is then a slash.
  const isSlashed = /^[^.]*\//.test(typed)
  const name = isSlashed ? typed.replaceAll('/', '.') : typed
  const isName = /^[a-zA-Z0-9_.-]+$/.test(name) && !name.includes('..')
  const isOwn = namespaced.has(name) || name.startsWith('net.') || name.startsWith('fs.mqueue.')
  if (end > 0 && isName && isOwn) return [name, text.slice(end + 1)]
  const problem = end > 0 ? 'not a setting of a namespace' : 'must be NAME=VALUE'
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: ${problem}`)
}
