import { isUtf8 } from 'node:buffer'
import type { PathChange } from '../../image/changed-paths.ts'
import { escapeControls } from './escape.ts'

const letters = { added: 'A', changed: 'C', deleted: 'D' } as const

/** Docker's `A /path`. What a terminal would obey, and bytes that are no text, are escaped. */
export function pathChangeLine({ kind, path }: PathChange): string {
  return `${letters[kind]} ${isUtf8(path) ? escapeControls(path.toString()) : escapedBytes(path)}`
}

function escapedBytes(path: Buffer): string {
  return path.toString('latin1').replaceAll(/[^\x20-\x7e]/g, (byte) => {
    return `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
