import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Put a script before a program in PATH.
 *
 * @param script  for sh; `$REAL` is the program itself
 * @returns       takes it away again
 */
export function putInFront(name: string, script: string): () => void {
  const real = execFileSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).trim()
  const directory = mkdtempSync(join(tmpdir(), 'tsctr-front-'))
  writeFileSync(join(directory, name), `#!/bin/sh\nREAL=${real}\n${script}\n`, { mode: 0o755 })
  const path = process.env.PATH
  process.env.PATH = `${directory}:${path}`
  return () => {
    process.env.PATH = path
    rmSync(directory, { recursive: true })
  }
}
