import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isErrno } from '../errors.ts'
import { formatRuntimeSpec, type RuntimeProcess } from '../oci/runtime-spec.ts'
import type { Bundle } from './bundle.ts'

/** Where the helper of a health check works: files of `<bundle>/health`. */
export interface HealthFiles {
  readonly directory: string
  /** What `runc exec --process` reads. */
  readonly process: string
  /** What the helper does. */
  readonly script: string
  /** Written by the runtime: the pid of the check that runs. */
  readonly pid: string
}

/** What the helper has left of one check. */
export interface LeftResult {
  readonly slot: number
  readonly startedAtUs: number
  readonly endedAtUs: number
  /** undefined: it was killed because its time was up. */
  readonly exitCode: number | undefined
  readonly output: Buffer
}

/** Checks whose results are there at once; as many as docker keeps. */
export const resultSlots = 5

/** Paths only; nothing is made. */
export function healthFiles({ directory }: Pick<Bundle, 'directory'>): HealthFiles {
  const own = join(directory, 'health')
  return {
    directory: own,
    process: join(own, 'process.json'),
    script: join(own, 'helper.sh'),
    pid: join(own, 'pid'),
  }
}

/** Make the directory anew for a process that checks. */
export function prepareHealthFiles(files: HealthFiles, process: RuntimeProcess): void {
  rmSync(files.directory, { recursive: true, force: true })
  mkdirSync(files.directory, { mode: 0o700 })
  writeFileSync(files.process, formatRuntimeSpec(process), { mode: 0o600 })
}

/** The results that lie there, oldest first; that of a check which runs now is none. */
export function readHealthResults(files: HealthFiles): LeftResult[] {
  return Array.from({ length: resultSlots }, (_, slot) => readSlot(files, slot))
    .filter((result) => result !== undefined)
    .sort((one, other) => one.startedAtUs - other.startedAtUs)
}

/** Have a result count for nothing. */
export function dropHealthResult({ directory }: HealthFiles, slot: number): void {
  writeFileSync(join(directory, `${slot}.code`), '')
}

/** The helper empties `code` first and fills it last. */
function readSlot({ directory }: HealthFiles, slot: number): LeftResult | undefined {
  const path = (name: string): string => join(directory, `${slot}.${name}`)
  try {
    const startedAtUs = modifiedUs(path('start'))
    const endedAtUs = modifiedUs(path('code'))
    const output = readFileSync(path('output'))
    const code = readFileSync(path('code'), 'ascii').trim()
    // Begun anew while it was read.
    if (code === '' || modifiedUs(path('start')) !== startedAtUs) return undefined
    return {
      slot,
      startedAtUs,
      endedAtUs,
      exitCode: code === 'late' ? undefined : Number(code),
      output,
    }
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    return undefined
  }
}

function modifiedUs(path: string): number {
  return Number(statSync(path, { bigint: true }).mtimeNs / 1000n)
}
