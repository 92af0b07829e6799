import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build, transform } from 'esbuild'

/** The program's modules, bundled into chunks: CommonJS function texts by the name they are required by. */
export interface ProgramChunks {
  readonly main: string
  readonly texts: ReadonlyMap<string, string>
}

/** What one-file-trainer.ts saw. */
export interface TrainingResult {
  /** For each command line the chunks that it used. */
  readonly used: readonly (readonly string[])[]
  /** For each script what V8 compiled of it, in base64. */
  readonly codes: readonly string[]
}

const target = `node${process.versions.node}`

/**
 * Bundle a TypeScript program into chunks: each import() begins one, and what several of them need
 * is in chunks of its own. So a command reads its own code and not that of a hundred others.
 *
 * @param entry  absolute
 */
export async function bundleChunks(root: string, entry: string): Promise<ProgramChunks> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    outdir: '.',
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    platform: 'node',
    target,
    format: 'esm',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    // Only what runs from source asks where its file is.
    define: { 'import.meta.url': '"file:///"' },
    logLevel: 'warning',
  })
  const texts = new Map<string, string>()
  for (const { path, text } of outputFiles) {
    texts.set(`./${basename(path)}`, await asFunction(text))
  }
  const main = Object.entries(metafile.outputs).find(
    ([, { entryPoint }]) => entryPoint !== undefined && join(root, entryPoint) === entry,
  )
  if (main === undefined) throw new Error(`${entry}: in none of the chunks`)
  return { main: `./${basename(main[0])}`, texts }
}

// esbuild splits ES modules only, and a script cannot import.
async function asFunction(text: string): Promise<string> {
  const { code } = await transform(text, {
    format: 'cjs',
    platform: 'node',
    target,
    minifySyntax: true,
    minifyWhitespace: true,
    // Otherwise import() stays, which scripts have not.
    supported: { 'dynamic-import': false },
    logLevel: 'warning',
  })
  if (/[^\0-\xff]/.test(code)) throw new Error('a chunk is not in latin1')
  return `function(require,module,exports){${code}}`
}

/** Chunks that the same command lines use stand in one script: it is read at once. */
export function groupChunks(
  { texts }: ProgramChunks,
  used: TrainingResult['used'],
): readonly (readonly string[])[] {
  const groups = new Map<string, string[]>()
  for (const name of texts.keys()) {
    const users = used.flatMap((names, index) => (names.includes(name) ? [index] : []))
    const key = users.length === 0 ? name : users.join()
    groups.set(key, [...(groups.get(key) ?? []), name])
  }
  return [...groups.values()]
}

/**
 * Write the files that chunk-loader.ts reads: chunks.json, chunks.txt, chunks.code.
 *
 * @param groups  the chunks of each script
 * @param codes   what V8 compiled of each script; none before the training
 */
export function writeChunks(
  directory: string,
  { main, texts }: ProgramChunks,
  groups: readonly (readonly string[])[],
  codes: readonly Buffer[] = [],
): void {
  const scripts = groups.map((names) =>
    Buffer.from(
      `({${names.map((name) => `${JSON.stringify(name)}:${texts.get(name)}`).join(',\n')}})`,
      'latin1',
    ),
  )
  const text = joined(scripts)
  const code = joined(groups.map((_, index) => codes[index] ?? Buffer.alloc(0)))
  const scriptOf = Object.fromEntries(
    groups.flatMap((names, index) => names.map((name) => [name, index])),
  )
  const ranges = text.ranges.map((range, index) => [...range, ...(code.ranges[index] ?? [])])
  writeFileSync(join(directory, 'chunks.json'), JSON.stringify({ main, scriptOf, ranges }))
  writeFileSync(join(directory, 'chunks.txt'), text.bytes)
  writeFileSync(join(directory, 'chunks.code'), code.bytes)
}

// V8 copies compiled code that does not begin at a multiple of 8.
function joined(parts: readonly Buffer[]): { bytes: Buffer; ranges: [number, number][] } {
  const ranges: [number, number][] = []
  const padded: Buffer[] = []
  let end = 0
  for (const part of parts) {
    ranges.push([end, end + part.length])
    const padding = Buffer.alloc((8 - (part.length % 8)) % 8)
    padded.push(part, padding)
    end += part.length + padding.length
  }
  return { bytes: Buffer.concat(padded), ranges }
}
