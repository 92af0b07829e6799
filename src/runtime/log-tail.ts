import { fstatSync, readSync } from 'node:fs'
import { type LogRecord, parseLogRecord } from './log-record.ts'

/** For each stream, the offset of its first record that belongs to the tail. */
export type TailStart = Readonly<Record<LogRecord['stream'], number>>

const chunkBytes = 256 * 1024
const newline = 0x0a

/**
 * A line that was begun further back than this, with another stream's output after it, is taken to
 * begin here: else one old line without an end would have the whole log read for it.
 */
const lookBackBytes = 1024 * 1024

/**
 * Find the last lines of output of a log. Lines stand in the order of their last records; those of
 * the two streams may lie in each other, as each record can be a part of a line only. What has been
 * written of a line that is not ended yet counts as a line. A line may be many partial records, also
 * in several files: it is counted once.
 *
 * @param fds  of the log's files, oldest first
 * @param only  the one stream whose lines count; undefined for both
 * @returns    for each file, offsets of starts of records; the end of its whole records for a stream
 *             without any in the tail
 */
export function findTail(
  fds: readonly number[],
  count: number,
  only?: LogRecord['stream'],
): TailStart[] {
  const ends = fds.map(endOfRecords)
  const bases: number[] = []
  let end = 0
  for (const length of ends) {
    bases.push(end)
    end += length
  }
  const start = findStart(lines(fds, ends, bases), end, count, only)
  return bases.map((base, n) => {
    const inFile = (offset: number): number => Math.min(Math.max(0, offset - base), ends[n] ?? 0)
    return { stdout: inFile(start.stdout), stderr: inFile(start.stderr) }
  })
}

interface Line {
  /** Counted through all files. */
  readonly offset: number
  readonly line: Buffer
}

function findStart(
  linesLastFirst: Iterable<Line>,
  end: number,
  count: number,
  only: LogRecord['stream'] | undefined,
): TailStart {
  const start = { stdout: end, stderr: end }
  const unfinished = new Set<LogRecord['stream']>()
  const settled = new Set<LogRecord['stream']>()
  if (only !== undefined) settled.add(only === 'stdout' ? 'stderr' : 'stdout')
  let remaining = count
  let lookBackFrom = end
  for (const { offset, line } of linesLastFirst) {
    if (remaining === 0 && (unfinished.size === 0 || offset < lookBackFrom)) break
    const record = parseLogRecord(line)
    if (record === undefined || settled.has(record.stream)) continue
    const { stream, isPartial } = record
    // Read backward, a partial record belongs to the line that was met before it.
    if (!(isPartial && unfinished.has(stream))) {
      if (remaining === 0) {
        settled.add(stream)
        unfinished.delete(stream)
        continue
      }
      remaining -= 1
      unfinished.add(stream)
      lookBackFrom = offset - lookBackBytes
    }
    start[stream] = offset
  }
  return start
}

function* lines(
  fds: readonly number[],
  ends: readonly number[],
  bases: readonly number[],
): Generator<Line> {
  for (const [n, fd] of [...fds.entries()].reverse()) {
    for (const { offset, line } of linesBackward(fd, ends[n] ?? 0)) {
      yield { offset: offset + (bases[n] ?? 0), line }
    }
  }
}

/** Where the last whole record ends: the monitor may be in the middle of the next. */
function endOfRecords(fd: number): number {
  const chunk = Buffer.allocUnsafe(chunkBytes)
  for (let end = fstatSync(fd).size; end > 0; ) {
    const position = Math.max(0, end - chunkBytes)
    const length = readSync(fd, chunk, 0, end - position, position)
    const last = chunk.subarray(0, length).lastIndexOf(newline)
    if (last >= 0) return position + last + 1
    end = position
  }
  return 0
}

/** Whole lines before `end`, which is the start of a line, without their newlines, last first. */
function* linesBackward(fd: number, end: number): Generator<Line> {
  // The part of a line, with its newline, whose start is still to be read.
  let rest = Buffer.alloc(0)
  for (let position = end; position > 0; ) {
    const length = Math.min(chunkBytes, position)
    const chunk = Buffer.allocUnsafe(length)
    position -= length
    readSync(fd, chunk, 0, length, position)
    const bytes = Buffer.concat([chunk, rest])
    let stop = bytes.length
    while (stop > 0) {
      // The byte at stop - 1 is the newline of the line itself.
      const before = stop < 2 ? -1 : bytes.lastIndexOf(newline, stop - 2)
      if (before < 0 && position > 0) break
      yield { offset: position + before + 1, line: bytes.subarray(before + 1, stop - 1) }
      stop = before + 1
    }
    rest = bytes.subarray(0, stop)
  }
}
