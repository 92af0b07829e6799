import assert from 'node:assert/strict'
import {
  appendFileSync,
  linkSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { LogChain } from '../../src/runtime/log-chain.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tsctr-log-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

/** `out F text`, one record. */
type Line = readonly ['stdout' | 'stderr', 'F' | 'P', string]

const time = '2026-11-24T05:01:06.636758317+00:00'

function formatLine([stream, tag, text]: Line): string {
  return `${time} ${stream} ${tag} ${text}\n`
}

function logOf(lines: readonly Line[], unfinished = ''): string {
  const path = join(scratch, 'log')
  writeFileSync(path, lines.map(formatLine).join('') + unfinished)
  return path
}

function open(path: string): LogChain {
  const reader = LogChain.open(path, 1)
  assert.ok(reader !== undefined)
  return reader
}

/** What a reader gives from here on, in the form of `Line`. */
function rest(reader: LogChain): Line[] {
  const lines: Line[] = []
  for (const batch of reader.batches()) {
    for (const { stream, isPartial, text } of batch) {
      lines.push([stream, isPartial ? 'P' : 'F', text.toString()])
    }
  }
  return lines
}

function tail(count: number, lines: readonly Line[], unfinished = ''): Line[] {
  const reader = open(logOf(lines, unfinished))
  try {
    reader.seekTail(count)
    return rest(reader)
  } finally {
    reader.close()
  }
}

const a = ['stdout', 'F', 'a'] as const
const b = ['stderr', 'F', 'b'] as const
const c = ['stdout', 'F', 'c'] as const

describe('a log', () => {
  test('that is not there is undefined', () => {
    assert.equal(LogChain.open(join(scratch, 'missing'), 3), undefined)
  })

  test('is read to its end, and on when it has grown', () => {
    const path = logOf([a, b])
    const reader = open(path)
    assert.deepEqual(rest(reader), [a, b])
    assert.deepEqual(rest(reader), [])
    appendFileSync(path, formatLine(c))
    assert.deepEqual(rest(reader), [c])
    reader.close()
  })

  test('gives a record when its newline is there', () => {
    const path = logOf([a], formatLine(b).slice(0, 40))
    const reader = open(path)
    assert.deepEqual(rest(reader), [a])
    appendFileSync(path, formatLine(b).slice(40))
    assert.deepEqual(rest(reader), [b])
    reader.close()
  })

  // A log that is rotated by truncation.
  test('that became shorter is read again, without the half record from before', () => {
    const path = logOf([a, b], formatLine(c).slice(0, 40))
    const reader = open(path)
    assert.deepEqual(rest(reader), [a, b])
    writeFileSync(path, formatLine(c))
    assert.deepEqual(rest(reader), [c])
    reader.close()
  })

  test('of many chunks is whole, in order', () => {
    const lines = Array.from({ length: 20_000 }, (_, n): Line => {
      return [n % 3 === 0 ? 'stderr' : 'stdout', 'F', `line ${n} ${'x'.repeat(n % 100)}`]
    })
    const reader = open(logOf(lines))
    assert.ok([...reader.batches()].length > 1, 'it comes in several batches')
    reader.close()
    assert.deepEqual(rest(open(logOf(lines))), lines)
  })

  test('loses only the lines that a crash tore', () => {
    const reader = open(
      logOf([a], `2026-11-24T05:01 std\n${'\0'.repeat(3_000_000)}\n${formatLine(b)}`),
    )
    assert.deepEqual(rest(reader), [a, b])
    reader.close()
  })
})

describe('a log of several files', () => {
  let count = 0
  function newPath(): string {
    count += 1
    return join(scratch, `rotated-${count}`)
  }

  /** What conmon does at its limit. */
  function beginNext(path: string, ...lines: readonly Line[]): void {
    writeFileSync(`${path}.tmp`, lines.map(formatLine).join(''))
    renameSync(`${path}.tmp`, path)
  }

  /** What the keeper does then. */
  function putAway(path: string, kept: number): void {
    for (let n = kept; n > 0; n -= 1) {
      try {
        renameSync(`${path}.${n - 1}`, `${path}.${n}`)
      } catch {}
    }
    linkSync(path, `${path}.0`)
  }

  function chain(path: string): LogChain {
    const log = LogChain.open(path, 3)
    assert.ok(log !== undefined)
    return log
  }

  test('is one, oldest first', () => {
    const path = newPath()
    for (const line of [a, b, c]) {
      beginNext(path, line)
      putAway(path, 2)
    }
    const log = chain(path)
    assert.deepEqual(rest(log), [a, b, c])
    assert.deepEqual(rest(log), [])
    log.close()
  })

  test('has the file that is not put away yet in its place', () => {
    const path = newPath()
    beginNext(path, a)
    putAway(path, 2)
    beginNext(path, b)
    putAway(path, 2)
    beginNext(path, c)
    assert.deepEqual(rest(chain(path)), [a, b, c])
  })

  test('is gone on with through several new files, with what came before them', () => {
    const path = newPath()
    beginNext(path, a)
    putAway(path, 2)
    const log = chain(path)
    assert.deepEqual(rest(log), [a])
    appendFileSync(path, formatLine(b))
    for (const line of [c, a]) {
      beginNext(path, line)
      putAway(path, 2)
    }
    beginNext(path, b)
    assert.deepEqual(rest(log), [b, c, a, b])
    log.close()
  })

  test('goes on with what is left when it was read too late', () => {
    const path = newPath()
    beginNext(path, a)
    putAway(path, 2)
    const log = chain(path)
    assert.deepEqual(rest(log), [a])
    for (const line of [b, c, a, b, c]) {
      beginNext(path, line)
      putAway(path, 2)
    }
    assert.deepEqual(rest(log), [a, b, c])
    log.close()
  })

  test('that is cleared begins again', () => {
    const path = newPath()
    beginNext(path, a)
    putAway(path, 2)
    const log = chain(path)
    assert.deepEqual(rest(log), [a])
    beginNext(path, b)
    truncateSync(`${path}.0`)
    assert.deepEqual(rest(log), [b])
    log.close()
  })

  test('has a tail that reaches into older files, and a line that lies in two', () => {
    const path = newPath()
    const [begin, end] = [['stdout', 'P', 'beg'] as const, ['stdout', 'F', 'in'] as const]
    for (const lines of [[a, b], [begin], [end, c]]) {
      beginNext(path, ...lines)
      putAway(path, 2)
    }
    const tailOf = (lines: number): Line[] => {
      const log = chain(path)
      log.seekTail(lines)
      return rest(log)
    }
    assert.deepEqual(tailOf(0), [])
    assert.deepEqual(tailOf(1), [c])
    assert.deepEqual(tailOf(2), [begin, end, c])
    assert.deepEqual(tailOf(3), [b, begin, end, c])
    assert.deepEqual(tailOf(9), [a, b, begin, end, c])
  })

  test('gives no more than what is there when only that is wanted', () => {
    const path = newPath()
    beginNext(path, a, b)
    const log = chain(path)
    const seen: Line[] = []
    for (const batch of log.presentBatches()) {
      for (const { stream, text } of batch) seen.push([stream, 'F', text.toString()])
      appendFileSync(path, formatLine(c))
    }
    assert.deepEqual(seen, [a, b])
    log.close()
  })
})

describe('the tail', () => {
  test('of one stream counts the lines of that', () => {
    const log = open(logOf([a, a, c, b, b, b]))
    log.seekTail(2, 'stdout')
    assert.deepEqual(
      rest(log).filter(([stream]) => stream === 'stdout'),
      [a, c],
    )
    log.close()
  })

  test('is the last lines, of both streams', () => {
    assert.deepEqual(tail(1, [a, b, c]), [c])
    assert.deepEqual(tail(2, [a, b, c]), [b, c])
    assert.deepEqual(tail(3, [a, b, c]), [a, b, c])
  })

  test('is all there is, if that is less', () => {
    assert.deepEqual(tail(4, [a, b, c]), [a, b, c])
    assert.deepEqual(tail(1_000_000_000, [a]), [a])
    assert.deepEqual(tail(5, []), [])
  })

  test('of 0 lines is empty, and grows', () => {
    const path = logOf([a])
    const reader = open(path)
    reader.seekTail(0)
    assert.deepEqual(rest(reader), [])
    appendFileSync(path, formatLine(b))
    assert.deepEqual(rest(reader), [b])
    reader.close()
  })

  test('counts a line of many parts once', () => {
    const long: Line[] = [
      ['stdout', 'P', 'x'],
      ['stdout', 'P', 'y'],
      ['stdout', 'F', 'z'],
    ]
    assert.deepEqual(tail(1, [a, ...long]), long)
    assert.deepEqual(tail(2, [a, ...long]), [a, ...long])
    assert.deepEqual(tail(2, [...long, b, c]), [b, c])
    assert.deepEqual(tail(3, [...long, b, c]), [...long, b, c])
  })

  // The record after a whole line of stderr was taken for the start of a line of stdout.
  test('keeps a line together that the other stream wrote into', () => {
    const begin = ['stdout', 'P', 'beg'] as const
    const end = ['stdout', 'F', 'in'] as const
    assert.deepEqual(tail(1, [a, begin, b, end]), [begin, end])
    assert.deepEqual(tail(2, [a, begin, b, end]), [begin, b, end])
    assert.deepEqual(tail(1, [begin, end, b, ['stderr', 'F', 'last']]), [['stderr', 'F', 'last']])
  })

  test('counts a line without its end, such as a prompt', () => {
    const prompt = ['stdout', 'P', 'name? '] as const
    assert.deepEqual(tail(1, [a, b, prompt]), [prompt])
    assert.deepEqual(tail(2, [a, b, prompt]), [b, prompt])
  })

  test('goes on with the record that is being written', () => {
    const path = logOf([a, b], formatLine(c).slice(0, 40))
    for (const count of [0, 1]) {
      writeFileSync(path, formatLine(a) + formatLine(b) + formatLine(c).slice(0, 40))
      const reader = open(path)
      reader.seekTail(count)
      assert.deepEqual(rest(reader), count === 0 ? [] : [b])
      appendFileSync(path, formatLine(c).slice(40))
      assert.deepEqual(rest(reader), [c])
      reader.close()
    }
  })

  test('is found in a log of many chunks', () => {
    const text = 'x'.repeat(8_000)
    const lines = Array.from({ length: 200 }, (_, n): Line => ['stdout', 'F', `${n} ${text}`])
    for (const count of [1, 31, 32, 33, 64, 100, 199, 200, 201]) {
      assert.deepEqual(tail(count, lines), lines.slice(-count), `${count} lines`)
    }
  })

  // Else one line without an end, followed by a gigabyte of the other stream, has it all read.
  test('looks for the start of a line within a mebibyte of it', () => {
    const begin = ['stdout', 'P', 'beg'] as const
    const end = ['stdout', 'F', 'in'] as const
    const between = (count: number): Line[] =>
      Array.from({ length: count }, () => ['stderr', 'F', 'x'.repeat(8_000)])
    assert.deepEqual(tail(1, [begin, ...between(100), end]), [begin, end])
    assert.deepEqual(tail(1, [begin, ...between(200), end]), [end])
  })

  test('does not depend on where chunks and torn lines lie', () => {
    const torn = `\n${'\0'.repeat(300_000)}\n`
    assert.deepEqual(tail(2, [a, b], `${torn}${formatLine(c)}${torn}`), [b, c])
  })

  test('is that of a simple reader, whatever the records are', () => {
    const random = generator(7)
    for (let round = 0; round < 300; round += 1) {
      const lines = Array.from({ length: random(30) }, (_, n): Line => {
        return [random(3) === 0 ? 'stderr' : 'stdout', random(2) === 0 ? 'P' : 'F', `${n}`]
      })
      const count = random(12)
      assert.deepEqual(
        tail(count, lines),
        simpleTail(lines, count),
        JSON.stringify({ lines, count }),
      )
    }
  })
})

/** Lines by the whole log: each is its records' places; in the order of their last records. */
function simpleTail(records: readonly Line[], count: number): Line[] {
  const lines: number[][] = []
  const unfinished = new Map<string, number[]>()
  records.forEach(([stream, tag], place) => {
    const line = unfinished.get(stream) ?? []
    if (line.length === 0) lines.push(line)
    line.push(place)
    unfinished.set(stream, tag === 'P' ? line : [])
  })
  lines.sort((x, y) => (x.at(-1) ?? 0) - (y.at(-1) ?? 0))
  const places = count === 0 ? [] : lines.slice(-count).flat()
  return records.filter((_, place) => places.includes(place))
}

/** Numbers below a bound that are the same each time. Source: Lehmer, minimal standard */
function generator(seed: number): (bound: number) => number {
  let state = seed
  return (bound) => {
    state = (state * 48_271) % 0x7fffffff
    return state % bound
  }
}
