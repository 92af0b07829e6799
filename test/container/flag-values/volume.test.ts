import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BindMount } from '../../../src/container/config.ts'
import { parseVolume } from '../../../src/container/flag-values/volume.ts'

const plain = {
  type: 'bind',
  isReadOnly: false,
  propagation: 'rprivate',
  isRecursive: true,
  readOnlyReach: 'best',
  createsSource: true,
}

test('a path of the host at a path of the container', () => {
  assert.deepEqual(parseVolume('/a:/b', '/cwd'), { ...plain, source: '/a', target: '/b' })
  assert.deepEqual(parseVolume('/a/../c/:/b//d/', '/cwd'), {
    ...plain,
    source: '/c',
    target: '/b/d',
  })
})

function bind(text: string, cwd: string): BindMount {
  const mount = parseVolume(text, cwd)
  assert.equal(mount.type, 'bind')
  return mount as BindMount
}

test('a source beginning with a dot is relative to where the command was typed', () => {
  const sources = ['.', './x', '..', '../x'].map((text) => bind(`${text}:/b`, '/cwd/here').source)
  assert.deepEqual(sources, ['/cwd/here', '/cwd/here/x', '/cwd', '/cwd/x'])
})

test('options add up, and docker’s promises for virtual machines are kept by doing nothing', () => {
  assert.deepEqual(parseVolume('/a:/b:ro,rslave,bind,Z,cached', '/'), {
    ...plain,
    source: '/a',
    target: '/b',
    isReadOnly: true,
    propagation: 'rslave',
    isRecursive: false,
    relabel: 'private',
  })
  assert.equal(bind('/a:/b:rw', '/').isReadOnly, false)
})

test('what is no path is the name of a volume, and a target alone an anonymous volume', () => {
  const named = {
    type: 'volume',
    name: 'data',
    isAnonymous: false,
    target: '/d',
    isReadOnly: false,
    isNotFilled: false,
    isFromVolumeFlag: true,
  }
  assert.deepEqual(parseVolume('data:/d', '/'), named)
  const options = { isReadOnly: true, isNotFilled: true }
  assert.deepEqual(parseVolume('data:/d:ro,nocopy', '/'), { ...named, ...options })
  assert.deepEqual(parseVolume('data:/d:Z', '/'), { ...named, relabel: 'private' })
  assert.deepEqual(parseVolume('/d', '/'), { ...named, name: undefined, isAnonymous: true })
})

for (const text of ['a:/d', '-x:/d', 'a/b:/d', 'data', 'data:/d:shared', 'data:d', '..:']) {
  test(`${text} is refused`, () => {
    assert.throws(() => parseVolume(text, '/'), { code: 'INVALID_ARGUMENT' })
  })
}

test('anything else is refused', () => {
  for (const text of [
    '',
    ':',
    '/a:',
    ':/b',
    '/a:b',
    '/a:/',
    '/a:/..',
    '/a:/b:wo',
    '/a:/b:ro:rw',
    '/a:/b:nocopy',
  ]) {
    assert.throws(() => parseVolume(text, '/'), { name: 'TsctrError' }, text)
  }
})

test('options that exclude each other are refused by name', () => {
  const refused = [
    ['/a:/b:ro,rw', 'not ro and rw'],
    ['v1:/b:rw,ro', 'not rw and ro'],
    ['/a:/b:ro,ro', 'option ro is given twice'],
    ['/a:/b:z,Z', 'not z and Z'],
    ['/a:/b:rshared,slave', 'not rshared and slave'],
    ['/a:/b:bind,rbind', 'not bind and rbind'],
  ]
  for (const [text = '', problem] of refused) {
    const message = `"${text}": ${problem}`
    assert.throws(() => parseVolume(text, '/'), { code: 'INVALID_ARGUMENT', message })
  }
})
