import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../errors.ts'

/** The numbered directories `snapshots/<n>/{fs,work}`. */
export class SnapshotDirectories {
  readonly root: string

  /** @param root  `<data-root>/snapshots`; exists */
  constructor(root: string) {
    this.root = root
  }

  path(number: number): string {
    return join(this.root, String(number))
  }

  /** What the snapshot holds: the upperdir, or one lowerdir of its children. */
  fs(number: number): string {
    return join(this.path(number), 'fs')
  }

  /** overlayfs' own scratch directory, on the same filesystem as `fs`. */
  work(number: number): string {
    return join(this.path(number), 'work')
  }

  /**
   * Make the directories of a new snapshot. Called inside the transaction that inserts its row, so
   * that neither is seen without the other.
   */
  make(number: number): void {
    try {
      mkdirSync(this.path(number), 0o700)
    } catch (error) {
      // A process died between mkdir and the commit of this number, so nobody has the row.
      if (!isErrno(error, 'EEXIST')) throw error
      this.remove(number)
      mkdirSync(this.path(number), 0o700)
    }
    mkdirSync(this.fs(number), 0o755)
    mkdirSync(this.work(number), 0o711)
  }

  remove(number: number): void {
    rmSync(this.path(number), { recursive: true, force: true })
  }

  /**
   * Take a directory out of the numbering. Called inside the transaction that found it without a
   * row: its number may be given again, where the process that made it died before its commit. One
   * that is gone, as its row was deleted by a process that removes it now, is no error.
   */
  setAside(number: number): void {
    try {
      renameSync(this.path(number), join(this.root, `gone-${number}-${randomUUID()}`))
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error
    }
  }

  /** Remove what was set aside, by whichever process. @throws the first failure, at the end */
  removeSetAside(): void {
    const failures: unknown[] = []
    for (const name of readdirSync(this.root)) {
      if (!name.startsWith('gone-')) continue
      try {
        removeTree(join(this.root, name))
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /** Numbers of the directories that are there, in no order. */
  list(): number[] {
    return readdirSync(this.root)
      .filter((name) => /^[1-9][0-9]*$/.test(name))
      .map(Number)
  }
}

/** Several processes may be at it at once, each removing what the other is about to. */
function removeTree(path: string): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      rmSync(path, { recursive: true, force: true })
      return
    } catch (error) {
      if (attempt === 10 || !isErrno(error, 'ENOENT', 'ENOTEMPTY')) throw error
    }
  }
}
