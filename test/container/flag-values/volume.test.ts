import assert from 'node:assert/strict'
import { test } from 'node:test'
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

test('a source beginning with a dot is relative to where the command was typed', () => {
  const sources = ['.', './x', '..', '../x'].map(
    (text) => parseVolume(`${text}:/b`, '/cwd/here').source,
  )
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
  assert.equal(parseVolume('/a:/b:ro,rw', '/').isReadOnly, false)
})

test('volumes that are no path are not there yet', () => {
  assert.throws(() => parseVolume('data:/data', '/'), {
    code: 'UNSUPPORTED',
    message: 'volume data: named volumes are not supported yet; use an absolute host path',
  })
  assert.throws(() => parseVolume('.hidden:/data', '/'), { code: 'UNSUPPORTED' })
  assert.throws(() => parseVolume('/data', '/'), { code: 'UNSUPPORTED' })
})

test('anything else is refused', () => {
  for (const text of ['', ':', '/a:', ':/b', '/a:b', '/a:/', '/a:/..', '/a:/b:wo', '/a:/b:ro:rw']) {
    assert.throws(() => parseVolume(text, '/'), { name: 'TsctrError' }, text)
  }
})
