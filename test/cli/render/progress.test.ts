import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { createProgress, type ProgressStream } from '../../../src/cli/render/progress.ts'
import { progressLines } from '../../../src/cli/render/progress-lines.ts'
import { trackProgress } from '../../../src/cli/render/progress-state.ts'
import type { DescriptorStatus, ProgressEvent } from '../../../src/image/progress.ts'
import { parseDigest } from '../../../src/oci/digest.ts'

const escapeCode = '\x1b'
const mebibyte = 1024 ** 2
const reference = 'docker.io/library/redis:alpine'

function digest(index: number): string {
  return `sha256:${String(index).padStart(4, '0').repeat(16)}`
}

function layer(index: number, status: DescriptorStatus, offset = 0, total = 10): ProgressEvent {
  return {
    kind: 'descriptor',
    role: 'layer',
    digest: parseDigest(digest(index)),
    status,
    offsetBytes: offset * mebibyte,
    totalBytes: total * mebibyte,
  }
}

interface Screen {
  readonly stream: ProgressStream
  readonly written: () => string
  /** What a terminal would show now. */
  readonly lines: () => string[]
}

function screen(terminal: { columns: number; rows: number } | undefined): Screen {
  let written = ''
  const writable = new Writable({
    write(chunk, _encoding, done) {
      written += String(chunk)
      done()
    },
  })
  const stream = Object.assign(writable, terminal === undefined ? {} : { isTTY: true, ...terminal })
  return { stream, written: () => written, lines: () => draw(written) }
}

/** Set TERM for one test: a dumb terminal, as of some CI systems, gets no redrawn lines. */
function useTerminalType(context: TestContext, type: string): void {
  const before = process.env.TERM
  process.env.TERM = type
  context.after(() => {
    if (before === undefined) delete process.env.TERM
    else process.env.TERM = before
  })
}

/** As much of a terminal as moving lines takes: cursor up, to a column, clear, newline. */
function draw(output: string): string[] {
  const lines: string[] = ['']
  let [x, y] = [0, 0]
  for (const [, digits, code, newline, character] of output.matchAll(
    new RegExp(`${escapeCode}\\[(\\d*)([A-Zm])|(\\n)|([\\s\\S])`, 'g'),
  )) {
    const count = Number(digits || 1)
    const line = lines[y] ?? ''
    if (code === 'A') y -= count
    else if (code === 'G') x = count - 1
    else if (code === 'K') lines[y] = line.slice(0, x)
    else if (code === 'm') continue
    else if (code !== undefined) throw new Error(`unknown code ${code}`)
    else if (newline !== undefined) {
      x = 0
      y++
      lines[y] ??= ''
    } else lines[y] = line.slice(0, x).padEnd(x) + character + line.slice(++x)
    assert.ok(y >= 0, 'the cursor left the screen')
  }
  return lines
}

const pull: readonly ProgressEvent[] = [
  { kind: 'resolving', reference },
  { kind: 'resolved', reference },
  layer(1, 'waiting'),
  layer(2, 'exists', 10),
  layer(1, 'downloading', 4),
  layer(1, 'downloading', 5),
  layer(1, 'downloading', 10),
  layer(1, 'done', 10),
  layer(1, 'unpacking', 10),
  layer(1, 'done', 10),
]

const summary = /^elapsed: \d+\.\ds total: 6\.0 MiB \(\d+(\.\d)? ([KMGT]i)?B\/s\)$/

test('plain: a line for each change of state worth telling, no codes', async () => {
  for (const [mode, terminal] of [
    ['plain', { columns: 80, rows: 24 }],
    ['auto', undefined],
  ] as const) {
    const { stream, written } = screen(terminal)
    const progress = await createProgress(mode, stream)
    for (const event of pull) progress.onEvent(event)
    progress.finish()
    const lines = written().split('\n')
    assert.deepEqual(lines.slice(0, -2), [
      `${reference}: resolved`,
      `layer-${digest(2)}: exists`,
      `layer-${digest(1)}: downloading 10.0 MiB, resuming at 4.0 MiB`,
      `layer-${digest(1)}: done`,
      `layer-${digest(1)}: unpacking`,
      `layer-${digest(1)}: done`,
    ])
    // Bytes of an earlier pull and of blobs that exist are not downloads.
    assert.match(lines.at(-2) ?? '', summary)
    assert.equal(lines.at(-1), '')
  }
})

test('json: each event an object on a line, repeated downloads thinned out', async () => {
  const { stream, written } = screen(undefined)
  const progress = await createProgress('json', stream)
  for (const event of pull) progress.onEvent(event)
  for (let step = 0; step < 1000; step++) progress.onEvent(layer(3, 'downloading', step, 1000))
  progress.finish()
  const objects = written()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(objects.slice(0, 5), pull.slice(0, 5))
  assert.ok(objects.length < 500)
  const { elapsedMs, ...last } = objects.at(-1)
  assert.equal(typeof elapsedMs, 'number')
  assert.deepEqual(last, { kind: 'finished', transferredBytes: (6 + 999) * mebibyte })
})

test('none: nothing', async () => {
  const { stream, written } = screen({ columns: 80, rows: 24 })
  const progress = await createProgress('none', stream)
  for (const event of pull) progress.onEvent(event)
  progress.finish()
  assert.equal(written(), '')
})

test('auto without an event: nothing', async () => {
  for (const terminal of [undefined, { columns: 80, rows: 24 }]) {
    const { stream, written } = screen(terminal)
    const progress = await createProgress('auto', stream)
    progress.finish()
    assert.equal(written(), '')
  }
})

test('auto on a dumb terminal: as plain', async (context) => {
  useTerminalType(context, 'dumb')
  const { stream, written } = screen({ columns: 80, rows: 24 })
  const progress = await createProgress('auto', stream)
  progress.onEvent({ kind: 'resolved', reference })
  assert.equal(written(), `${reference}: resolved\n`)
})

test('auto on a terminal: lines redrawn in place, the terminal left as it was', async (context) => {
  useTerminalType(context, 'xterm')
  context.mock.timers.enable({ apis: ['setTimeout'] })
  const { stream, written, lines } = screen({ columns: 180, rows: 24 })
  const progress = await createProgress('auto', stream)
  for (const event of pull.slice(0, 4)) progress.onEvent(event)
  context.mock.timers.tick(1000)
  for (const event of pull.slice(4, 6)) progress.onEvent(event)
  context.mock.timers.tick(1000)
  const name = (text: string): string => `${text}:`.padEnd(78)
  const during = lines()
  assert.deepEqual(during.slice(0, 3), [
    `${name(reference)} resolved    |${'+'.repeat(38)}|`,
    `${name(`layer-${digest(1)}`)} downloading |${'+'.repeat(19)}${'-'.repeat(19)}| 5.0 MiB/10.0 MiB`,
    `${name(`layer-${digest(2)}`)} exists      |${'+'.repeat(38)}|`,
  ])
  assert.match(during[3] ?? '', /^elapsed: .* total: 1\.0 MiB /)
  for (const event of pull.slice(6)) progress.onEvent(event)
  progress.finish()
  const after = lines()
  assert.equal(after[1], `${name(`layer-${digest(1)}`)} done        |${'+'.repeat(38)}|`)
  assert.match(after[3] ?? '', summary)
  assert.deepEqual(after.slice(4), [''])
  assert.ok(!written().includes(`${escapeCode}[?`))
})

test('a narrow terminal gets short digests, a tiny one cut lines', () => {
  const state = trackProgress()
  for (const event of [...pull.slice(0, 4), layer(1, 'downloading', 5)]) state.apply(event)
  const [first, second] = progressLines(state, { columns: 80, rows: 24 })
  assert.match(first ?? '', /^docker\.io\/library\/redis:alpine: +resolved +\|\++\|$/)
  assert.match(
    second ?? '',
    /^layer-sha256:000100010001: +downloading \|\+{4,}-{4,}\| 5\.0 MiB\/10\.0 MiB$/,
  )
  for (const columns of [1, 5, 20, 40, 60, 80, 100, 120, 200]) {
    for (const line of progressLines(state, { columns, rows: 24 })) {
      assert.ok(line.length <= columns, `${columns}: ${line}`)
    }
  }
})

test('a low terminal shows what is still at work', () => {
  const state = trackProgress()
  for (let index = 0; index < 30; index++)
    state.apply(layer(index, index < 20 ? 'done' : 'waiting'))
  const lines = progressLines(state, { columns: 130, rows: 8 })
  assert.equal(lines.length, 7)
  assert.match(lines[0] ?? '', new RegExp(`^layer-${digest(20)}: +waiting`))
  assert.match(lines.at(-1) ?? '', /\(24 more\)$/)
  const roomier = progressLines(state, { columns: 130, rows: 16 })
  assert.match(roomier[0] ?? '', new RegExp(`^layer-${digest(16)}: +done`))
})

// Fault list, b3 47.
test('a reference cannot steer the terminal', () => {
  const state = trackProgress()
  state.apply({ kind: 'resolving', reference: 'a\x1b[2J\nb' })
  assert.match(progressLines(state, { columns: 80, rows: 24 })[0] ?? '', /^a\\x1b\[2J\\nb: /)
})
