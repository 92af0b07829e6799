import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'

const output = join(import.meta.dirname, '../../src/cli/output.ts')

test('a slow reader on a non-blocking descriptor gets every byte', async () => {
  const script = `
    const { outputTo } = await import(${JSON.stringify(output)})
    const net = await import('node:net')
    new net.Socket({ fd: 3, readable: false, writable: true }) // makes it non-blocking
    outputTo(3).write(Buffer.alloc(4_000_000, 'x'))
    outputTo(3).line('end')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  })
  const pipe = child.stdio[3] as NodeJS.ReadableStream
  let length = 0
  let tail = ''
  for await (const chunk of pipe) {
    length += chunk.length
    tail = `${tail}${chunk.toString('latin1')}`.slice(-5)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  if (child.exitCode === null) await once(child, 'exit')
  assert.equal(child.exitCode, 0)
  assert.equal(length, 4_000_004)
  assert.equal(tail, 'xend\n')
})
