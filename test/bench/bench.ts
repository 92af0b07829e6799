import { spawnSync } from 'node:child_process'
import { existsSync, globSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { pushedStore } from '../../fixtures/images/store.ts'
import { needsContainers, needsNetwork, needsRegistry } from '../helpers/capabilities.ts'
import { installPeers } from './install-peers.ts'
import { runInPrivateMachine } from './private-machine.ts'
import { rows, selectRows } from './rows.ts'

/**
 * `npm run bench -- [--install-peers] [--times N] [--tsctr FILE] [ROW...]`: tsctr beside docker,
 * podman, ctr and what no engine can be faster than, in one run on this machine. The table goes to
 * stdout, in Markdown; nothing is asserted. All of it happens in namespaces of its own
 * (private-machine.ts): the machine is as before, whatever way the bench ends.
 */
const root = join(import.meta.dirname, '../..')
const usage = `usage: npm run bench -- [--install-peers] [--times N] [--tsctr FILE] [ROW...]
rows: ${rows.map(({ name }) => name).join(' ')}; 'run' stands for all of run-…`

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`bench: ${(error as Error).message}`)
  process.exitCode = 1
}

async function main(): Promise<number> {
  const { values: flags, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      'install-peers': { type: 'boolean' },
      times: { type: 'string' },
      tsctr: { type: 'string' },
    },
  })
  if (flags.help) {
    console.log(usage)
    return 0
  }
  const selected = selectRows(positionals)
  const program = resolve(flags.tsctr ?? join(root, 'dist/tsctr'))
  if (flags['install-peers']) await installPeers()
  if (flags.tsctr === undefined) requireCurrentBuild(program)
  const missing = needsContainers() || needsNetwork() || needsRegistry()
  if (missing !== false) throw new Error(`${missing}; bin/setup installs what is missing`)
  // Made here, because the private machine reaches no mirror of Debian.
  const storage = await pushedStore()
  return runInPrivateMachine(join(import.meta.dirname, 'compare.ts'), (scratch) => ({
    scratch,
    storage,
    program,
    rowNames: selected.map(({ name }) => name),
    times: flags.times === undefined ? undefined : parseTimes(flags.times),
  }))
}

function parseTimes(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--times ${text}: not a positive number`)
  return Number(text)
}

/** Figures of an older program would mislead. */
function requireCurrentBuild(program: string): void {
  const sources = globSync('src/**/*.ts', { cwd: root }).map((path) => join(root, path))
  const isCurrent =
    existsSync(program) &&
    sources.every((path) => statSync(path).mtimeMs < statSync(program).mtimeMs)
  if (isCurrent) return
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) throw new Error('npm run build failed')
}
