import { TsctrError } from '../errors.ts'

export interface TopProcesses {
  readonly titles: readonly string[]
  /** As many cells as there are titles. */
  readonly processes: ReadonlyArray<readonly string[]>
}

/**
 * The lines of ps that show some processes, and the lines of their threads (`ps -m`), whose PID is
 * `-`.
 *
 * @returns  undefined if there is no column `PID`
 * Source: moby daemon/top_unix.go parsePSOutput
 */
export function chooseProcesses(
  psOutput: string,
  pids: ReadonlySet<number>,
): TopProcesses | undefined {
  const [title = '', ...lines] = psOutput.trimEnd().split('\n')
  const titles = cellsOf(title)
  const column = titles.indexOf('PID')
  if (column < 0) return undefined
  const processes: string[][] = []
  let isChosen = false
  for (const line of lines) {
    const cells = cellsOf(line)
    const pid = cells[column]
    if (pid !== '-') isChosen = pids.has(Number(pid))
    if (!isChosen) continue
    // Only the last column, a command line, has spaces.
    const last = titles.length - 1
    processes.push([...cells.slice(0, last), cells.slice(last).join(' ')])
  }
  return { titles, processes }
}

/**
 * A column of something else that is named PID would be taken for it.
 *
 * @throws  INVALID_ARGUMENT
 * Source: moby daemon/top_unix.go validatePSArgs
 */
export function refuseOtherPids(psArguments: readonly string[]): void {
  const [whole, field] = /(?:^|[\s,])(\w+)=\s*PID/.exec(psArguments.join(' ')) ?? []
  if (whole === undefined || field === 'pid') return
  const message = `ps ${psArguments.join(' ')}: ${field} must not be named PID`
  throw new TsctrError('INVALID_ARGUMENT', message)
}

function cellsOf(line: string): string[] {
  return line.split(/[ \t\v\f\r]+/).filter((cell) => cell !== '')
}
