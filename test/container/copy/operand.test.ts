import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CopyOperand,
  imagePathCandidates,
  parseCopyOperand,
} from '../../../src/container/copy/operand.ts'

const rows: readonly (readonly [string, CopyOperand])[] = [
  ['-', { kind: 'stream' }],
  ['file', { kind: 'host', path: 'file' }],
  ['/a:b', { kind: 'host', path: '/a:b' }],
  ['./a:b', { kind: 'host', path: './a:b' }],
  ['../a:b', { kind: 'host', path: '../a:b' }],
  ['web:/etc/x', { kind: 'container', name: 'web', path: '/etc/x' }],
  ['web:etc/x:y', { kind: 'container', name: 'web', path: 'etc/x:y' }],
  ['web:', { kind: 'container', name: 'web', path: '' }],
  ['image:redis:alpine/etc/x', { kind: 'image', text: 'redis:alpine/etc/x' }],
  ['image:/etc/x', { kind: 'container', name: 'image', path: '/etc/x' }],
  ['volume:data/etc/x', { kind: 'volume', name: 'data', path: '/etc/x' }],
  ['volume:data:/etc/x', { kind: 'volume', name: 'data', path: '/etc/x' }],
  ['volume:data/.', { kind: 'volume', name: 'data', path: '/.' }],
  ['volume:data', { kind: 'volume', name: 'data', path: '/' }],
  ['volume:/etc/x', { kind: 'container', name: 'volume', path: '/etc/x' }],
]

for (const [text, operand] of rows) {
  test(`${text} is ${JSON.stringify(operand)}`, () => {
    assert.deepEqual(parseCopyOperand(text), operand)
  })
}

test('nothing and no name are refused', () => {
  assert.throws(() => parseCopyOperand(''), { code: 'INVALID_ARGUMENT' })
  assert.throws(() => parseCopyOperand(':x'), {
    code: 'INVALID_ARGUMENT',
    message: ':x: no container before the colon',
    hint: './:x is a file of that name',
  })
})

test('an image and a path are read in every way there is, a colon before the path in one', () => {
  assert.deepEqual(imagePathCandidates('localhost:5000/a:1/etc/x'), [
    { reference: 'localhost:5000/a:1/etc/x', path: '' },
    { reference: 'localhost:5000/a:1/etc', path: '/x' },
    { reference: 'localhost:5000/a:1', path: '/etc/x' },
    { reference: 'localhost:5000', path: '/a:1/etc/x' },
  ])
  assert.deepEqual(imagePathCandidates('a/b:1:/etc/x'), [{ reference: 'a/b:1', path: '/etc/x' }])
})
