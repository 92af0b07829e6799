import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { spawnWithPipes } from '../../src/host/piped-program.ts'

const env = { PATH: '/usr/bin:/bin' }
const shell = (script: string, pipes: readonly ('reads' | 'writes')[]) =>
  spawnWithPipes('/bin/sh', ['-c', script], { env, pipes })

test('lines go both ways, and its end is an empty line', async () => {
  const program = shell('read word <&3; echo "got $word" >&4; echo more >&4', ['reads', 'writes'])
  program.write(3, Buffer.from('it\n'))
  assert.equal(await program.readLine(4), 'got it')
  assert.equal(await program.readLine(4), 'more')
  assert.equal(await program.readLine(4), '')
  program.close()
})

test('a child that it leaves behind answers in its place', async () => {
  const program = shell('(sleep 0.2; echo late >&3) & exit 0', ['writes'])
  assert.equal(await program.readLine(3), 'late')
  program.close()
})

test('its last words are kept, and one that does not read is no error', async () => {
  const program = shell('exec 3<&-; echo no way >&2; echo >&4; exec sleep 100', ['reads', 'writes'])
  await program.readLine(4)
  program.write(3, Buffer.from('who hears this?'))
  while (program.stderr() === '') await delay(10)
  assert.equal(program.stderr(), 'no way\n')
  program.kill()
  assert.equal(await program.readLine(4), '')
  program.close()
})

test('one that has ended is not left as a zombie', async () => {
  const program = shell('exit 0', ['writes'])
  assert.equal(await program.readLine(3), '')
  const stat = `/proc/${program.pid}/stat`
  while (!readFileSync(stat, 'utf8').includes(') Z ')) await delay(5)
  program.close()
  assert.equal(existsSync(`/proc/${program.pid}`), false)
})

test('a program that is not there is told apart', () => {
  assert.throws(() => spawnWithPipes('/nowhere', [], { env, pipes: [] }), {
    code: 'FAILED_PRECONDITION',
    message: '/nowhere: program not found',
  })
})
