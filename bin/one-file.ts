import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { bundleChunks, groupChunks, type TrainingResult, writeChunks } from './chunks.ts'
import { withoutLibatomic } from './without-libatomic.ts'

export interface OneFileOptions {
  /** Root of the checkout. */
  readonly root: string
  /** The TypeScript file that runs first. */
  readonly entry: string
  /** Where the executable goes. */
  readonly output: string
  /** A directory for what is made on the way: emptied first, and kept. */
  readonly scratch: string
  /** Arguments of commands whose code is to be compiled at build time: they are run. */
  readonly training: readonly (readonly string[])[]
  /** The environment of these commands. */
  readonly trainingEnv?: NodeJS.ProcessEnv
}

/**
 * Make one executable file out of a TypeScript program, its packages, better-sqlite3's addon and
 * the Node that runs this build.
 *
 * It starts about as fast as Node itself: a command reads only the chunks of the program that it
 * needs; their code is compiled at build time; debug symbols are left out.
 */
export async function buildOneFile(options: OneFileOptions): Promise<void> {
  const { root, entry, output, scratch } = options
  rmSync(scratch, { recursive: true, force: true })
  mkdirSync(scratch, { recursive: true })
  mkdirSync(dirname(output), { recursive: true })
  const part = (name: string): string => join(scratch, name)
  const [chunks] = await Promise.all([
    bundleChunks(root, entry),
    bundle(root, 'bin/one-file-loader.ts', part('loader.cjs')),
    bundle(root, 'bin/one-file-trainer.ts', part('trainer.cjs')),
  ])
  const executable = strippedNode(part('node'))
  const addon = { 'better_sqlite3.node': addonPath(root) }
  makeExecutable(part('trainer'), part('trainer.cjs'), executable, addon)
  // First to see what is used together; then to compile it in the scripts that follow from it.
  writeChunks(
    scratch,
    chunks,
    [...chunks.texts.keys()].map((name) => [name]),
  )
  const groups = groupChunks(chunks, train(part('trainer'), options).used)
  writeChunks(scratch, chunks, groups)
  const { codes } = train(part('trainer'), options)
  writeChunks(
    scratch,
    chunks,
    groups,
    codes.map((code) => Buffer.from(code, 'base64')),
  )
  makeExecutable(part('program'), part('loader.cjs'), executable, {
    ...addon,
    'chunks.json': part('chunks.json'),
    'chunks.txt': part('chunks.txt'),
    'chunks.code': part('chunks.code'),
    'loader.cjs': part('loader.cjs'),
  })
  withoutLibatomic(part('program'))
  rmSync(part('trainer'))
  rmSync(executable)
  // A tsctr that runs keeps the file it was started from.
  renameSync(part('program'), output)
}

async function bundle(root: string, entry: string, outfile: string): Promise<void> {
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
    legalComments: 'none',
    logLevel: 'warning',
  })
}

function makeExecutable(
  output: string,
  main: string,
  executable: string,
  assets: Readonly<Record<string, string>>,
): void {
  const config = {
    main,
    output,
    executable,
    assets,
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    execArgv: [
      '--disable-warning=ExperimentalWarning',
      // Most commands then end before there is garbage to collect.
      '--min-semi-space-size=16',
      // Node looks for its own --env-file behind the program's name too, up to a `--`.
      '--',
    ],
    // The caller's NODE_OPTIONS are meant for other programs, and must not reach into this one.
    execArgvExtension: 'none',
  }
  writeFileSync(`${output}.json`, JSON.stringify(config))
  execFileSync(process.execPath, ['--build-sea', `${output}.json`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  chmodSync(output, 0o755)
}

/**
 * What the commands print is theirs: only whether the result was written counts. They run in
 * namespaces of their own where that is allowed, so that no mount, bridge or rule of theirs is left.
 */
function train(
  trainer: string,
  { scratch, training, trainingEnv }: OneFileOptions,
): TrainingResult {
  const result = join(scratch, 'training.json')
  rmSync(result, { force: true })
  const apart = ['unshare', '--net', '--mount', '--']
  const isAllowed = spawnSync('unshare', [...apart.slice(1), 'true']).status === 0
  const [program = '', ...args] = [...(isAllowed ? apart : []), trainer, scratch]
  execFileSync(program, [...args, JSON.stringify(training)], {
    stdio: 'ignore',
    env: { ...process.env, ...trainingEnv },
    timeout: 60_000,
  })
  return JSON.parse(readFileSync(result, 'utf8'))
}

/** Debug symbols are a fifth of Node, and make it slower to load. */
function strippedNode(copy: string): string {
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
