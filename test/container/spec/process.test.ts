import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { containerArgs, containerHostname } from '../../../src/container/spec/command-line.ts'
import { containerEnv, envValue, mergeEnv } from '../../../src/container/spec/env.ts'
import { containerWorkdir } from '../../../src/container/spec/process.ts'
import { imageProcess, plainConfig } from './fixture.ts'

test('the command line is the entrypoint and then the arguments, or the image’s Cmd', () => {
  const image = imageProcess({ entrypoint: ['entry'], cmd: ['serve', '-x'] })
  const args = (over: Parameters<typeof plainConfig>[0]) => containerArgs(plainConfig(over), image)
  assert.deepEqual(args({}), ['entry', 'serve', '-x'])
  assert.deepEqual(args({ command: ['other'] }), ['entry', 'other'])
  assert.deepEqual(args({ entrypoint: ['sh'] }), ['sh'])
  assert.deepEqual(args({ entrypoint: ['sh'], command: ['-c', ':'] }), ['sh', '-c', ':'])
  assert.deepEqual(args({ entrypoint: [], command: ['ls'] }), ['ls'])
  assert.deepEqual(args({ entrypoint: [] }), [])
})

// Fault list, b3 38: what is no variable.
test('the environment: ours, the image’s, the user’s; a later one takes the place of its name', () => {
  const request = {
    config: plainConfig({ env: ['B=user', 'C=x=y'] }),
    image: imageProcess({ env: ['PATH=/image', 'B=image', 'malformed', '=x'] }),
    hostname: 'box',
    home: '/root',
    tty: true,
    further: ['HOME=/exec'],
  }
  assert.deepEqual(containerEnv(request), [
    'PATH=/image',
    'HOSTNAME=box',
    'TERM=xterm',
    'HOME=/exec',
    'B=user',
    'C=x=y',
  ])
  const plain = containerEnv({ ...request, image: imageProcess(), tty: false })
  assert.match(plain[0] ?? '', /^PATH=\/usr\/local\/sbin:.*:\/bin$/)
  assert.equal(envValue(plain, 'TERM'), undefined)
  assert.equal(envValue(plain, 'C'), 'x=y')
})

// docker run -e NAME: without a value in the caller's environment, the image's goes too.
test('a name alone takes a variable out, one of ours as well', () => {
  const request = {
    config: plainConfig({ env: ['A', 'HOME', 'B', 'B=user', 'NEVER'] }),
    image: imageProcess({ env: ['PATH=/image', 'A=image', 'B=image'] }),
    ...{ hostname: 'box', home: '/root', tty: false, further: ['HOSTNAME'] },
  }
  assert.deepEqual(containerEnv(request), ['PATH=/image', 'B=user'])
})

test('names that JavaScript objects have of their own are variables', () => {
  assert.deepEqual(mergeEnv(['__proto__=a', 'constructor=b'], ['__proto__=c']), [
    '__proto__=c',
    'constructor=b',
  ])
})

test('the host name is the short id, the host’s on its network, or as said', () => {
  const id = 'f'.repeat(64)
  assert.equal(containerHostname(plainConfig(), id), 'f'.repeat(12))
  assert.equal(containerHostname(plainConfig({ networkMode: 'host' }), id), hostname())
  assert.equal(containerHostname(plainConfig({ networkMode: 'host', hostname: 'x' }), id), 'x')
})

test('the working directory is the user’s, the image’s, or the root', () => {
  assert.equal(containerWorkdir(undefined, imageProcess()), '/')
  assert.equal(containerWorkdir(undefined, imageProcess({ workingDir: '/data/' })), '/data')
  assert.equal(containerWorkdir('/a/./b', imageProcess({ workingDir: '/data' })), '/a/b')
})

// Fault list, b3 35.
// CVE-2024-21626: runc left a descriptor of a host directory open, and an image started in it.
test('a working directory that is relative or in /proc is refused, also from an image', () => {
  for (const path of [
    '../..',
    'data',
    '/proc/self/fd/7',
    '/x/../proc/self/fd/7',
    '//proc/1/root',
  ]) {
    const image = imageProcess({ workingDir: path })
    assert.throws(() => containerWorkdir(undefined, image), { code: 'INVALID_ARGUMENT' }, path)
    assert.throws(() => containerWorkdir(path, imageProcess()), { code: 'INVALID_ARGUMENT' }, path)
  }
})
