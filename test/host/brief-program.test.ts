import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runBriefly } from '../../src/host/brief-program.ts'

const env = { PATH: '/usr/bin:/bin' }

test('input and output pass through whole, also what fills a pipe many times', () => {
  const input = 'x'.repeat(3_000_000)
  const script = 'cat; head -c 300000 /dev/zero | tr "\\0" e >&2'
  const { stdout, stderr, exitCode } = runBriefly('/bin/sh', ['-c', script], { input, env })
  assert.equal(stdout, input)
  assert.equal(stderr, 'e'.repeat(300_000))
  assert.equal(exitCode, 0)
})

test('without input stdin is empty, and the environment is what is given', () => {
  const { stdout } = runBriefly('/bin/sh', ['-c', 'cat; echo $WORD'], {
    env: { ...env, WORD: 'yes' },
  })
  assert.equal(stdout, 'yes\n')
})

test('tells how the program ended, and leaves no zombie', () => {
  assert.equal(runBriefly('/bin/sh', ['-c', 'exit 3'], { env }).exitCode, 3)
  const killed = runBriefly('/bin/sh', ['-c', 'kill -TERM $$'], { env })
  assert.deepEqual([killed.exitCode, killed.signal], [undefined, 'SIGTERM'])
  const listed = ['-o', 'stat=', '--ppid', String(process.pid)]
  const children = runBriefly('/bin/ps', listed, { env }).stdout.split('\n')
  assert.ok(!children.some((state) => state.startsWith('Z')), children.join())
})

test('a program that is not there is the system’s error', () => {
  assert.throws(() => runBriefly('/nowhere', [], { env }), { code: 'ENOENT', path: '/nowhere' })
})
