import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { programAsset } from '../src/host/worker.ts'
import { withoutLibatomic } from './without-libatomic.ts'

export interface OneFileOptions {
  /** The TypeScript file that runs first. */
  readonly entry: string
  /** Where the executable goes. */
  readonly output: string
  /** A directory for what is made on the way; removed before, kept after. */
  readonly scratch: string
  /** Root of the checkout. */
  readonly root: string
}

/**
 * Make one executable file out of a TypeScript program, its packages, better-sqlite3's addon and
 * the Node that runs this build.
 *
 * It starts about as fast as Node itself: the bundle is CommonJS, whose modules run when a lazy
 * import reaches them, and is compiled ahead; debug symbols are left out.
 */
export async function buildOneFile(options: OneFileOptions): Promise<void> {
  const { output, scratch } = options
  rmSync(scratch, { recursive: true, force: true })
  mkdirSync(scratch, { recursive: true })
  mkdirSync(dirname(output), { recursive: true })
  const bundle = join(scratch, programAsset)
  await bundleTo(bundle, options)
  const made = join(scratch, 'program')
  const config = join(scratch, 'sea.json')
  writeFileSync(
    config,
    JSON.stringify({
      main: bundle,
      output: made,
      executable: strippedNode(scratch),
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
      execArgv: ['--disable-warning=ExperimentalWarning'],
      // The caller's NODE_OPTIONS are meant for other programs, and must not reach into this one.
      execArgvExtension: 'none',
      assets: { [programAsset]: bundle, 'better_sqlite3.node': addonPath(options.root) },
    }),
  )
  execFileSync(process.execPath, ['--build-sea', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  withoutLibatomic(made)
  chmodSync(made, 0o755)
  // A tsctr that runs keeps the file it was started from.
  renameSync(made, output)
}

async function bundleTo(outfile: string, { entry, root }: OneFileOptions): Promise<void> {
  await build({
    entryPoints: [entry],
    absWorkingDir: root,
    outfile,
    bundle: true,
    platform: 'node',
    target: `node${process.versions.node}`,
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: false,
    legalComments: 'none',
    // Only what runs from source asks where its file is.
    define: { 'import.meta.url': '"file:///"' },
    logLevel: 'warning',
  })
}

/** Debug symbols are a fifth of Node, and make it slower to load. */
function strippedNode(scratch: string): string {
  const copy = join(scratch, 'node')
  copyFileSync(process.execPath, copy)
  chmodSync(copy, 0o755)
  try {
    execFileSync('strip', ['--strip-unneeded', copy], { stdio: ['ignore', 'ignore', 'inherit'] })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    console.error('note: no strip program (package binutils): the file is larger than need be')
  }
  return copy
}

function addonPath(root: string): string {
  return join(root, 'node_modules/better-sqlite3/prebuilds', `linux-${process.arch}.node`)
}
