import { exitCodes, TsctrError } from '../errors.ts'
import { startTrace, traced } from '../host/trace.ts'
import { type CommandEntry, commandGroups, commandList } from './command-list.ts'
import { didYouMean } from './did-you-mean.ts'
import { type CommandLine, type Found, findCommand } from './find-command.ts'
import { outputTo } from './output.ts'
import { reportError } from './report-error.ts'

// The one-file build has no files for worker threads to start from: they start from itself.
if (isWorkerThread()) void work()
else void main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<void> {
  const found = findCommand(argv)
  const trace = traceOf(found)
  const debug = isDebug(found)
  const fail = async (error: unknown): Promise<void> => {
    process.exitCode = exitCodeOf(error, found)
    try {
      await reportError(error, { debug })
    } catch (unreported) {
      outputTo(2).line(`tsctr: ${error}\ntsctr: bug: not reported as it should be: ${unreported}`)
    }
  }
  // An error that nobody waited for is a bug, and what would follow it cannot be trusted.
  process.once('uncaughtException', (error) => {
    void fail(error).finally(() => process.exit())
  })
  try {
    if (trace !== undefined) startTrace(trace, `tsctr ${wordsOf(found)}`)
    await act(found)
  } catch (error) {
    await fail(error)
  }
}

async function act(found: Found): Promise<void> {
  switch (found.kind) {
    case 'version': {
      const { programVersion } = await import('./program-version.ts')
      return outputTo(1).line(`tsctr version ${programVersion}`)
    }
    case 'help':
      return showHelp(found.group, found.line)
    case 'unknown':
      throw unknownCommand(found.words)
    case 'command':
      return runCommand(found.entry, found.line)
  }
}

async function runCommand(entry: CommandEntry, line: CommandLine): Promise<void> {
  const [{ parseCommand }, addCommand] = await traced('load the command', () =>
    Promise.all([import('./parse-command.ts'), entry.load()]),
  )
  await parseCommand(addCommand, line, entry.runsProgram ?? false)
}

async function showHelp(group: string | undefined, line: CommandLine): Promise<void> {
  const { parseCommand } = await import('./parse-command.ts')
  await parseCommand(undefined, line, false)
  const { programHelp, groupHelp } = await import('./help.ts')
  outputTo(1).line(group === undefined ? programHelp() : groupHelp(group))
}

function unknownCommand(words: readonly string[]): TsctrError {
  const group = words.slice(0, -1)
  const word = words.at(-1) ?? ''
  const prefix = group.map((part) => `${part} `).join('')
  const names = [...commandList.flatMap(({ names }) => names), ...commandGroups.map((g) => g.name)]
  const siblings = names.filter((name) => name.startsWith(prefix))
  const meant = didYouMean(
    word,
    siblings.map((name) => name.slice(prefix.length)),
  )
  return new TsctrError('INVALID_ARGUMENT', `'${word}' is not a tsctr ${prefix}command`, {
    hint: meant === undefined ? `tsctr ${prefix}--help` : `did you mean tsctr ${prefix}${meant}?`,
  })
}

// To ask node:worker_threads would take every command 2 ms.
function isWorkerThread(): boolean {
  return 'isTsctrWorker' in globalThis
}

async function work(): Promise<void> {
  const [{ serveWorker }, { workerList }] = await Promise.all([
    import('../host/worker.ts'),
    import('./worker-list.ts'),
  ])
  await serveWorker((name) => workerList[name]?.())
}

/** The option is needed before commander is loaded, and where loading it failed. */
function isDebug(found: Found): boolean {
  if (found.kind !== 'command' && found.kind !== 'help') return false
  return found.line.globals.some((flag) => flag === '-D' || flag === '--debug')
}

/** As the last --trace says, in both its forms. */
function traceOf(found: Found): string | undefined {
  const globals = found.kind === 'command' ? found.line.globals : []
  const last = globals.findLastIndex((word) => word === '--trace' || word.startsWith('--trace='))
  if (last < 0) return process.env.TSCTR_TRACE || undefined
  const [, value] = (globals[last] ?? '').split(/=(.*)/s)
  return value ?? globals[last + 1]
}

function wordsOf(found: Found): string {
  return found.kind === 'command' ? found.line.words.join(' ') : found.kind
}

const programCodes: readonly number[] = [
  exitCodes.engineFailed,
  exitCodes.cannotInvoke,
  exitCodes.notFound,
]

function exitCodeOf(error: unknown, found: Found): number {
  const runsProgram = found.kind === 'command' && found.entry.runsProgram === true
  const usual = runsProgram ? exitCodes.engineFailed : exitCodes.failure
  const own = error instanceof TsctrError ? error.exitCode : undefined
  // Codes that tell a failure of tsctr from one of the program mean something only where one is run.
  const isOfProgram = own !== undefined && programCodes.includes(own)
  return own === undefined || (isOfProgram && !runsProgram) ? usual : own
}
