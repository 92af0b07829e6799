import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { after, afterEach, describe, test } from 'node:test'
import { AttachSocket } from '../../src/runtime/attach-socket.ts'
import { needsPrograms } from '../helpers/capabilities.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tsctr-attach-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

/**
 * conmon's side of the socket: sends the packets it is told on stdin (`send HEX`), ends when told
 * (`close`), and reports the packets it gets (`got HEX`, `eof`).
 */
const server = `
import socket, sys, threading
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(sys.argv[1])
listener.listen(1)
print("ready", flush=True)
connection, _ = listener.accept()
def receive():
    while True:
        packet = connection.recv(1 << 20)
        print("got " + packet.hex() if packet else "eof", flush=True)
        if not packet: return
threading.Thread(target=receive, daemon=True).start()
for line in sys.stdin:
    word, _, argument = line.strip().partition(" ")
    if word == "send": connection.send(bytes.fromhex(argument))
    if word == "close": break
`

interface Monitor {
  readonly path: string
  tell(line: string): void
  /** What it says next. */
  heard(): Promise<string>
}

const children: ChildProcess[] = []
const sockets: AttachSocket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close()
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function startMonitor(name = 'attach'): Promise<Monitor> {
  const path = join(mkdtempSync(join(scratch, 'bundle-')), name)
  // Python's address holds 107 bytes too, so it binds from inside the directory.
  const child = spawn('python3', ['-c', server, name], { cwd: join(path, '..') })
  children.push(child)
  child.stderr.pipe(process.stderr)
  const lines: Interface = createInterface({ input: child.stdout })
  const iterator = lines[Symbol.asyncIterator]()
  const heard = async (): Promise<string> => String((await iterator.next()).value)
  assert.equal(await heard(), 'ready')
  return { path, heard, tell: (line) => void child.stdin.write(`${line}\n`) }
}

function connect(path: string): AttachSocket {
  const socket = new AttachSocket(path)
  sockets.push(socket)
  return socket
}

const hex = (text: string): string => Buffer.from(text).toString('hex')

describe('an attach socket', { skip: needsPrograms('python3') }, () => {
  test('hands on both streams in their order, until the monitor ends', async () => {
    const monitor = await startMonitor()
    const socket = connect(monitor.path)
    for (const [stream, text] of [
      ['02', 'out '],
      ['03', 'err '],
      ['02', ''],
      ['02', 'more'],
    ] as const) {
      monitor.tell(`send ${stream}${hex(text)}`)
    }
    monitor.tell('close')
    const seen: string[] = []
    await socket.pump((stream, data) => {
      seen.push(`${stream}: ${data}`)
    })
    assert.deepEqual(seen, ['stdout: out ', 'stderr: err ', 'stdout: ', 'stdout: more'])
  })

  test('takes a packet as large as conmon sends', async () => {
    const monitor = await startMonitor()
    const socket = connect(monitor.path)
    const data = Buffer.alloc(8192, 'x')
    monitor.tell(`send 02${data.toString('hex')}`)
    monitor.tell('close')
    const seen: Buffer[] = []
    await socket.pump((_stream, part) => {
      seen.push(part)
    })
    assert.deepEqual(seen, [data])
  })

  test('reads the next packet when the last is dealt with, and keeps none for reuse', async () => {
    const monitor = await startMonitor()
    const socket = connect(monitor.path)
    for (const text of ['aa', 'b', 'c']) monitor.tell(`send 02${hex(text)}`)
    monitor.tell('close')
    const kept: Buffer[] = []
    let atWork = 0
    await socket.pump(async (_stream, data) => {
      atWork += 1
      assert.equal(atWork, 1)
      await new Promise((resolve) => setImmediate(resolve))
      kept.push(data)
      atWork -= 1
    })
    assert.deepEqual(kept.map(String), ['aa', 'b', 'c'])
  })

  test('passes input on in packets that conmon can take, and its end', async () => {
    const monitor = await startMonitor()
    const socket = connect(monitor.path)
    const input = Buffer.from(Array.from({ length: 80_000 }, (_, n) => n % 251))
    await socket.write(input)
    socket.endInput()
    const packets: Buffer[] = []
    for (let said = await monitor.heard(); said !== 'eof'; said = await monitor.heard()) {
      packets.push(Buffer.from(said.slice('got '.length), 'hex'))
    }
    assert.ok(packets.every(({ length }) => length <= 32 * 1024))
    assert.deepEqual(Buffer.concat(packets), input)
  })

  test('sends nothing for no input: an empty packet would be the end', async () => {
    const monitor = await startMonitor()
    const socket = connect(monitor.path)
    await socket.write(Buffer.alloc(0))
    await socket.write(Buffer.from('x'))
    assert.equal(await monitor.heard(), `got ${hex('x')}`)
  })

  test('still reads after the end of its input', async () => {
    const monitor = await startMonitor()
    const socket = connect(monitor.path)
    socket.endInput()
    assert.equal(await monitor.heard(), 'eof')
    monitor.tell(`send 02${hex('answer')}`)
    monitor.tell('close')
    const seen: string[] = []
    await socket.pump((_stream, data) => {
      seen.push(String(data))
    })
    assert.deepEqual(seen, ['answer'])
  })

  test('that is closed ends its pump, and drops what is written later', async () => {
    const monitor = await startMonitor()
    const socket = connect(monitor.path)
    monitor.tell(`send 02${hex('x')}`)
    // The pump waits for a second packet that does not come.
    const pump = socket.pump(() => {
      setImmediate(() => socket.close())
    })
    await pump
    socket.close()
    await socket.write(Buffer.from('late'))
    socket.endInput()
    assert.equal(await monitor.heard(), 'eof')
  })

  test('drops input that nobody is there to take', async () => {
    const monitor = await startMonitor()
    const socket = connect(monitor.path)
    monitor.tell('close')
    const [child] = children
    if (child !== undefined && child.exitCode === null) await once(child, 'exit')
    await socket.write(Buffer.from('late'))
    await socket.pump(() => assert.fail('there is nothing to read'))
  })

  // The address of a Unix socket holds 107 bytes; data roots may be longer.
  test('is reached at any length of path', async () => {
    const name = 'a'.repeat(90)
    const monitor = await startMonitor(name)
    assert.ok(monitor.path.length > 107)
    const socket = connect(monitor.path)
    await socket.write(Buffer.from('x'))
    assert.equal(await monitor.heard(), `got ${hex('x')}`)
  })
})

test('without a monitor there is a clear error', () => {
  const missing = join(scratch, 'missing')
  const expected = { code: 'FAILED_PRECONDITION', message: `${missing}: no monitor listens` }
  assert.throws(() => new AttachSocket(missing), expected)
  const plain = join(scratch, 'plain')
  writeFileSync(plain, '')
  assert.throws(() => new AttachSocket(plain), { code: 'FAILED_PRECONDITION' })
})
