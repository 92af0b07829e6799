import type { Ownership } from '../layer/file-metadata.ts'

/** Only root may give files away; anyone else keeps the intended owners in the database. */
export function ownership(): Ownership {
  return process.getuid?.() === 0 ? 'apply' : 'record'
}
