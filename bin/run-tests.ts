import { spawn } from 'node:child_process'
import { chmodSync, globSync, mkdtempSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pushedStore } from '../fixtures/images/store.ts'
import { needsRegistry } from '../test/helpers/capabilities.ts'
import { cleanUp, hostState, newSince, usersOf } from '../test/helpers/leaks.ts'

/**
 * `npm test`: all test files, or those below the given paths, then a look at what they left behind.
 * All their scratch files lie in one directory, which is how a leaked mount or process is told from
 * the machine's own.
 */
const testTimeoutMs = 600_000
const graceMs = 5_000

const root = join(import.meta.dirname, '..')
const scratchDir = mkdtempSync('/tmp/tsctr-test-')
// Tests that give up their privileges must reach what they made in it.
chmodSync(scratchDir, 0o711)
const before = hostState()
let exitCode: number
try {
  if (needsRegistry() === false) await pushedStore()
  exitCode = await runTests(testFiles(process.argv.slice(2)))
} finally {
  const leaks = await lasting(() => [...usersOf(scratchDir), ...newSince(before, hostState())])
  cleanUp(scratchDir)
  if (leaks.length > 0) {
    console.error(`✖ left behind by the tests:\n${leaks.map((leak) => `  ${leak}\n`).join('')}`)
    process.exitCode = 1
  }
}
process.exitCode ||= exitCode

function testFiles(asked: readonly string[]): string[] {
  const patterns = asked.length === 0 ? ['test'] : asked
  const files = patterns.flatMap((path) =>
    statSync(path).isDirectory() ? globSync(`${path}/**/*.test.ts`) : [path],
  )
  if (files.length === 0) throw new Error(`${patterns.join(' ')}: no test files`)
  return files.map((file) => relative(root, join(process.cwd(), file))).sort()
}

/** What is still there after processes that were about to end had their time. */
async function lasting(findLeaks: () => string[]): Promise<string[]> {
  const deadlineMs = Date.now() + graceMs
  for (;;) {
    const leaks = findLeaks()
    if (leaks.length === 0 || Date.now() > deadlineMs) return leaks
    await sleep(100)
  }
}

function runTests(files: readonly string[]): Promise<number> {
  const flags = [
    '--disable-warning=ExperimentalWarning',
    '--test',
    '--test-concurrency=2',
    `--test-timeout=${testTimeoutMs}`,
    '--test-reporter=spec',
  ]
  const child = spawn(process.execPath, [...flags, ...files], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, TMPDIR: scratchDir },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal))
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}
