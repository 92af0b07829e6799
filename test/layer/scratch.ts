import assert from 'node:assert/strict'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { TsctrError } from '../../src/errors.ts'
import { type AppliedLayer, applyLayer } from '../../src/layer/apply-layer.ts'
import type { Ownership } from '../../src/layer/file-metadata.ts'
import { settleLayer } from '../../src/layer/settle-layer.ts'

/** Owners, devices and trusted attributes. */
export const needsRoot = process.getuid?.() === 0 ? false : 'needs root'

/** Most of what layers mean does not depend on privilege. */
export const possible: Ownership = needsRoot === false ? 'apply' : 'record'

/** A directory that goes with the test. */
export function scratchDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'tsctr-layer-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export interface Unpacked {
  readonly root: string
  readonly applied: AppliedLayer
}

/** Apply a blob's bytes to an empty directory. */
export function apply(
  t: TestContext,
  blob: Buffer,
  ownership: Ownership = possible,
  onProgress: (compressedBytesRead: number) => void = () => {},
): Unpacked {
  const directory = scratchDirectory(t)
  const blobPath = join(directory, 'blob')
  const root = join(directory, 'fs')
  writeFileSync(blobPath, blob)
  mkdirSync(root)
  return { root, applied: applyLayer({ blobPath, root, ownership, onProgress }) }
}

/** Apply and settle layers, base first. @returns their directories, base first */
export function applyStack(t: TestContext, ...blobs: readonly Buffer[]): string[] {
  const unpacked = blobs.map((blob) => apply(t, blob))
  for (const [index, { root, applied }] of unpacked.entries()) {
    settleLayer({
      root,
      lowerdirsTopFirst: unpacked
        .slice(0, index)
        .map((lower) => lower.root)
        .reverse(),
      unsettled: structuredClone(applied.unsettled),
      ownership: possible,
    })
  }
  return unpacked.map(({ root }) => root)
}

export function assertRefused(run: () => unknown, message: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof TsctrError, String(error))
    assert.equal(error.code, 'INVALID_ARGUMENT')
    assert.match(error.message, message)
    assert.doesNotMatch(error.message, /[\p{Cc}]/u)
    return true
  })
}

export function isWhiteoutAt(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats?.isCharacterDevice() === true && stats.rdev === 0
}

export function linkAt(path: string): string {
  return readlinkSync(path)
}

/** Paths of all files below a directory, sorted. Symlinks are not followed. */
export function names(root: string): string[] {
  const found = readdirSync(root, { withFileTypes: true }).flatMap((child) => [
    child.name,
    ...(child.isDirectory()
      ? names(join(root, child.name)).map((name) => `${child.name}/${name}`)
      : []),
  ])
  return found.sort()
}
