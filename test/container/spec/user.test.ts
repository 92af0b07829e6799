import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveUser } from '../../../src/container/spec/user.ts'

const files: Readonly<Record<string, string>> = {
  '/etc/passwd': [
    '# comment:x:5:5::/:',
    'root:x:0:0:root:/root:/bin/sh',
    'anna:x:1000:1000::/home/anna:/bin/sh',
    'broken:x:nobody:12::/:',
    'huge:x:4294967296:0::/:',
    'short:x',
    '12:x:77:78::/twelve:',
  ].join('\n'),
  '/etc/group': 'root:x:0:\nwheel:x:10:root,anna\naudio:x:29: anna\nbad:x:-1:anna\nanna:x:1000:\n',
}

function resolve(user: string, groupAdd: readonly string[] = [], from = files) {
  return resolveUser(
    user,
    (path) => (from[path] === undefined ? undefined : Buffer.from(from[path])),
    groupAdd,
  )
}

test('a name brings its group, its memberships and its home', () => {
  const anna = { uid: 1000, gid: 1000, additionalGids: [1000, 10, 29], home: '/home/anna' }
  assert.deepEqual(resolve('anna'), anna)
  assert.deepEqual(resolve('1000'), anna)
})

test('nobody asked for means root, with root’s memberships', () => {
  const root = { uid: 0, gid: 0, additionalGids: [0, 10], home: '/root' }
  assert.deepEqual(resolve(''), root)
  assert.deepEqual(resolve('0'), root)
})

test('a group named outright takes the place of the memberships', () => {
  assert.deepEqual(resolve('anna:audio'), {
    uid: 1000,
    gid: 29,
    additionalGids: [29],
    home: '/home/anna',
  })
  assert.equal(resolve('anna:5').gid, 5)
})

test('numbers need no entry, nor even the files', () => {
  const expected = { uid: 4242, gid: 0, additionalGids: [0], home: '/' }
  assert.deepEqual(resolve('4242'), expected)
  assert.deepEqual(resolve('4242', [], {}), expected)
  assert.deepEqual(resolve('4242:99', [], {}).additionalGids, [99])
  assert.deepEqual(resolve('', [], {}), { uid: 0, gid: 0, additionalGids: [0], home: '/' })
})

test('a number that is also a name means the entry of that name', () => {
  assert.equal(resolve('12').uid, 77)
})

test('further groups are added once, by name or number', () => {
  assert.deepEqual(resolve('anna', ['audio', '500', '500']).additionalGids, [1000, 10, 29, 500])
})

// Fault list, b3 36.
// CVE-2024-40635: 4294967296 modulo 2^32 is root.
test('a number outside 0 to 2^31-1 is refused', () => {
  const numbers = ['4294967296', '2147483648', '-1', '-0', '+5', '0:4294967296', '0:-1']
  for (const user of numbers) {
    assert.throws(() => resolve(user), { code: 'INVALID_ARGUMENT' }, user)
  }
  assert.throws(() => resolve('0', ['2147483648']), { code: 'INVALID_ARGUMENT' })
  assert.equal(resolve('2147483647').uid, 2147483647)
})

// b3 36: names.
test('a name that is not there is refused, a malformed line is not an entry', () => {
  for (const user of [
    'ghost',
    'broken',
    'huge',
    'short',
    'anna:ghost',
    '0:0:0',
    'anna\n',
    'anna:bad',
  ]) {
    assert.throws(() => resolve(user), { code: 'NOT_FOUND' }, JSON.stringify(user))
  }
  assert.throws(() => resolve('0', ['ghost']), { code: 'NOT_FOUND' })
})
