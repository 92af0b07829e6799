import { closeSync, constants, existsSync, mkdirSync, openSync, rmSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { isErrno } from '../errors.ts'
import { CLONE_NEWNET, MNT_DETACH, MS_BIND, mount, setns, umount2, unshare } from '../host/libc.ts'

const nsfs = 0x6e736673
const ownNamespace = '/proc/thread-self/ns/net'

/**
 * Make a network namespace and keep it by a bind mount; one that is kept there already is replaced.
 *
 * @param path  a file, made with its directories
 */
export function createNetworkNamespace(path: string): void {
  removeNetworkNamespace(path)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL, 0o400))
  returningHome(() => {
    unshare(CLONE_NEWNET)
    mount(ownNamespace, path, undefined, MS_BIND)
  })
}

/** Let go of a namespace; it ends with the last process in it. One that is gone is no error. */
export function removeNetworkNamespace(path: string): void {
  try {
    umount2(path, MNT_DETACH)
  } catch (error) {
    // EINVAL: a file that nothing is mounted on.
    if (!isErrno(error, 'ENOENT', 'EINVAL', 'ENOTDIR')) throw error
  }
  rmSync(path, { force: true })
}

/** Whether there is one to be entered: not only the file that it was kept by. Source: proc(5) NSFS_MAGIC */
export function isNetworkNamespace(path: string): boolean {
  return existsSync(path) && statfsSync(path).type === nsfs
}

/**
 * Run `body` with this thread inside a network namespace. Programs and sockets that it starts stay
 * there after it returns, so it may start one and return its promise; what runs after an `await`
 * is back home.
 */
export function runInNetworkNamespace<T>(path: string, body: () => T): T {
  const fd = openSync(path, constants.O_RDONLY)
  try {
    return returningHome(() => {
      setns(fd, CLONE_NEWNET)
      return body()
    })
  } finally {
    closeSync(fd)
  }
}

function returningHome<T>(body: () => T): T {
  const home = openSync(ownNamespace, constants.O_RDONLY)
  try {
    return body()
  } finally {
    try {
      setns(home, CLONE_NEWNET)
    } finally {
      closeSync(home)
    }
  }
}
