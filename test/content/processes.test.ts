import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

const bytes = randomBytes(2_000_000)
const hex = createHash('sha256').update(bytes).digest('hex')

let root: string
let server: Server
let offsets: number[]
/** How the next requests are answered; whole and at once when empty. */
let answers: ((offset: number, response: ServerResponse) => void)[]
let children: ChildProcess[]

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'tsctr-content-'))
  offsets = []
  answers = []
  children = []
  server = createServer((request, response) => {
    const offset = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1])
    offsets.push(offset)
    const answer = answers.shift() ?? sendRest
    answer(offset, response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  rmSync(root, { recursive: true, force: true })
})

test('processes that want one blob at once fetch it once', { timeout: 60_000 }, async () => {
  const outcomes = await Promise.all([1, 2, 3].map(() => outcomeOf(fetchInProcess())))
  assert.deepEqual(outcomes.sort(), ['fetched', 'present', 'present'])
  assert.deepEqual(offsets, [0])
  assertComplete()
})

test('what a killed process fetched is gone on with by the next', { timeout: 60_000 }, async () => {
  answers = [sendHalfAndHang]
  const killed = fetchInProcess()
  await ingestReaches(1_000_000)
  killed.kill('SIGKILL')
  await once(killed, 'close')
  assert.equal(await outcomeOf(fetchInProcess()), 'fetched')
  assert.deepEqual(offsets, [0, 1_000_000])
  assertComplete()
})

test('a process that waits goes on when the one it waits for is killed', {
  timeout: 60_000,
}, async () => {
  answers = [sendHalfAndHang]
  const killed = fetchInProcess()
  await ingestReaches(1_000_000)
  const waiting = outcomeOf(fetchInProcess())
  await delay(300)
  assert.deepEqual(offsets, [0])
  killed.kill('SIGKILL')
  assert.equal(await waiting, 'fetched')
  assert.deepEqual(offsets, [0, 1_000_000])
  assertComplete()
})

function fetchInProcess(): ChildProcess {
  const { port } = server.address() as AddressInfo
  const program = join(import.meta.dirname, 'fetch-process.ts')
  const args = [program, root, `http://127.0.0.1:${port}/`, `sha256:${hex}`, `${bytes.length}`]
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  return child
}

async function outcomeOf(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout)
  return (await text(child.stdout)).trim()
}

async function ingestReaches(sizeBytes: number): Promise<void> {
  const path = join(root, 'content', 'ingest', hex, 'data')
  for (;;) {
    try {
      if (readFileSync(path).length >= sizeBytes) return
    } catch {
      // Not begun yet.
    }
    await delay(10)
  }
}

function sendRest(offset: number, response: ServerResponse): void {
  response.end(bytes.subarray(offset))
}

function sendHalfAndHang(_offset: number, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': bytes.length })
  response.write(bytes.subarray(0, 1_000_000))
}

function assertComplete(): void {
  assert.deepEqual(readFileSync(join(root, 'content', 'blobs', 'sha256', hex)), bytes)
  assert.deepEqual(readdirSync(join(root, 'content', 'ingest')), [])
}
