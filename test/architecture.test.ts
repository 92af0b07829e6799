import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { describe, test } from 'node:test'

const src = join(import.meta.dirname, '../src')

interface Arrow {
  /** Path in src/. */
  readonly from: string
  /** Path in src/, or a package's or builtin module's name. */
  readonly to: string
  readonly isLocal: boolean
}

const files = globSync('**/*.ts', { cwd: src }).sort()
const arrows = files.flatMap((from) => arrowsOf(from, readFileSync(join(src, from), 'utf8')))

/** From top to bottom; a folder may import from rows below its own. */
const rows: readonly (readonly string[])[] = [
  ['cli'],
  ['container', 'image', 'volume', 'gc'],
  ['registry', 'content', 'layer', 'archive', 'snapshot', 'runtime', 'network', 'store'],
  ['oci', 'host', 'errors.ts'],
]

/** The only arrows between folders of one row. */
const siblings: Readonly<Record<string, readonly string[]>> = {
  container: ['image', 'volume', 'gc'],
  gc: ['image'],
  host: ['oci', 'errors.ts'],
  oci: ['errors.ts'],
}

/** Where each package, and each builtin module that only one place may use, is at home. */
const homes: Readonly<Record<string, string>> = {
  'better-sqlite3': 'host/database.ts',
  chalk: 'cli/',
  'cli-progress': 'cli/',
  commander: 'cli/',
  execa: 'host/exec.ts',
  'node-fetch': 'registry/',
  'smol-toml': 'registry/',
  tar: 'archive/',
  'node:child_process': 'host/',
  'node:ffi': 'host/libc.ts',
  'node:sea': 'host/',
}

/** What pure code may take from Node: no I/O, no clock, no environment. */
const pureModules = ['node:crypto', 'node:buffer', 'node:util', 'node:path']
const pureExceptions = ['oci/signal.ts → node:os'] // its table of signal numbers

describe('imports', () => {
  test('there are some, so the rules below are not checked against nothing', () => {
    assert.ok(arrows.length > 50)
    assert.ok(arrows.some(({ from, to }) => from === 'host/database.ts' && to === 'errors.ts'))
    assert.ok(
      arrows.some(({ to }) => to === 'cli/commands/version.ts'),
      'lazy imports count',
    )
  })

  test('every file is in a folder of a known row', () => {
    assert.deepEqual(
      files.filter((file) => rowOf(file) === -1),
      [],
    )
  })

  test('every imported file exists', () => {
    assert.deepEqual(
      bad((arrow) => arrow.isLocal && !isKnown(arrow.to)),
      [],
    )
  })

  test('point down, or to a sibling that is allowed', () => {
    assert.deepEqual(bad(isUpward), [])
  })

  test('stay inside the package: no file outside src but package.json', () => {
    assert.deepEqual(
      bad(({ to, isLocal }) => isLocal && to.startsWith('..') && to !== '../package.json'),
      [],
    )
  })

  test('name packages from their home only', () => {
    assert.deepEqual(bad(isHomeless), [])
  })

  test('of oci take nothing from Node that reads or writes', () => {
    const found = bad(
      ({ from, to }) => from.startsWith('oci/') && isBuiltin(to) && !pureModules.includes(to),
    )
    assert.deepEqual(
      found.filter((arrow) => !pureExceptions.includes(arrow)),
      [],
    )
  })

  test('make no circle between folders', () => {
    assert.deepEqual(circles(), [])
  })
})

describe('files', () => {
  test('are named for one idea', () => {
    const vague = /^(utils?|common|helpers?|misc|manager|index)\.ts$|-(manager|utils?)\.ts$/
    assert.deepEqual(
      files.filter((file) => vague.test(basename(file))),
      [],
    )
    assert.deepEqual(
      files.filter((file) => !/^[a-z0-9-]+\.ts$/.test(basename(file))),
      [],
    )
  })

  test('export by name', () => {
    const found = files.filter((file) =>
      /^export default|^export \{[^}]*\bas default\b/m.test(readFileSync(join(src, file), 'utf8')),
    )
    assert.deepEqual(found, [])
  })

  test('only cli writes to the terminal, reads the arguments or decides the exit code', () => {
    const terminal = /\bprocess\.(argv|exitCode|exit\(|std(in|out|err)\b)|\bconsole\./
    const found = files.filter(
      (file) =>
        !file.startsWith('cli/') && terminal.test(code(readFileSync(join(src, file), 'utf8'))),
    )
    assert.deepEqual(found, [])
  })
})

function arrowsOf(from: string, text: string): Arrow[] {
  const patterns = [
    /^(?:import|export)\b[^'"`;]*?\bfrom\s+['"]([^'"]+)['"]/gm,
    /^import\s+['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  ]
  const names = patterns.flatMap((pattern) =>
    Array.from(code(text).matchAll(pattern), ([, name = '']) => name),
  )
  return names.map((name) => {
    if (!name.startsWith('.')) return { from, to: packageOf(name), isLocal: false }
    return { from, to: relative(src, join(src, dirname(from), name)), isLocal: true }
  })
}

/** The text without comments, which show imports too. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

function packageOf(name: string): string {
  const depth = name.startsWith('@') ? 2 : 1
  return name.startsWith('node:') ? name : name.split('/').slice(0, depth).join('/')
}

function folderOf(file: string): string {
  return file.split('/')[0] ?? file
}

function rowOf(file: string): number {
  return rows.findIndex((row) => row.includes(folderOf(file)))
}

function isKnown(file: string): boolean {
  return files.includes(file) || file === '../package.json'
}

function isUpward({ from, to, isLocal }: Arrow): boolean {
  if (!isLocal || to.startsWith('..')) return false
  const [own, other] = [folderOf(from), folderOf(to)]
  if (own === other || rowOf(from) < rowOf(to)) return false
  return rowOf(from) > rowOf(to) || !(siblings[own] ?? []).includes(other)
}

function isHomeless({ from, to, isLocal }: Arrow): boolean {
  if (isLocal) return false
  const home = homes[to]
  if (home === undefined) return !isBuiltin(to)
  const isException = to === 'node:sea' && from === 'cli/program-path.ts'
  return !from.startsWith(home) && !isException
}

function isBuiltin(name: string): boolean {
  return name.startsWith('node:') || builtinModules.includes(name)
}

function bad(isBad: (arrow: Arrow) => boolean): string[] {
  return arrows.filter(isBad).map(({ from, to }) => `${from} → ${to}`)
}

/** Each folder that can be reached from itself, with the way. */
function circles(): string[] {
  const next = new Map<string, Set<string>>()
  for (const { from, to, isLocal } of arrows) {
    if (!isLocal || to.startsWith('..') || folderOf(from) === folderOf(to)) continue
    next.set(folderOf(from), (next.get(folderOf(from)) ?? new Set()).add(folderOf(to)))
  }
  const found: string[] = []
  const walk = (way: readonly string[]): void => {
    for (const folder of next.get(way.at(-1) ?? '') ?? []) {
      if (folder === way[0]) found.push([...way, folder].join(' → '))
      else if (!way.includes(folder)) walk([...way, folder])
    }
  }
  for (const folder of next.keys()) walk([folder])
  return found
}
