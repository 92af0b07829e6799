import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMount, parseTmpfs } from '../../../src/container/flag-values/mount.ts'

const plain = {
  type: 'bind',
  source: '/a',
  target: '/b',
  isReadOnly: false,
  propagation: 'rprivate',
  isRecursive: true,
  readOnlyReach: 'best',
  createsSource: false,
}

test('a bind mount, by any of the names of its fields', () => {
  for (const text of [
    'type=bind,source=/a,target=/b',
    'type=bind,src=/a,dst=/b',
    'destination=/b,TYPE=bind,src=/a,readonly=false',
  ]) {
    assert.deepEqual(parseMount(text, '/cwd'), plain, text)
  }
  assert.equal(parseMount('type=bind,src=x,dst=/b', '/cwd').type, 'bind')
})

test('read-only, recursion and propagation', () => {
  const over = (text: string) => parseMount(`type=bind,src=/a,dst=/b,${text}`, '/')
  assert.deepEqual(over('ro'), { ...plain, isReadOnly: true })
  assert.deepEqual(over('readonly=true,bind-recursive=readonly'), {
    ...plain,
    isReadOnly: true,
    readOnlyReach: 'all',
  })
  assert.deepEqual(over('readonly,bind-recursive=writable'), {
    ...plain,
    isReadOnly: true,
    readOnlyReach: 'top',
  })
  const flat = { ...plain, isRecursive: false, readOnlyReach: 'top' }
  assert.deepEqual(over('bind-nonrecursive'), flat)
  assert.deepEqual(over('bind-recursive=disabled'), flat)
  assert.deepEqual(over('bind-propagation=rshared'), { ...plain, propagation: 'rshared' })
})

test('a field in quotes may hold a comma and, doubled, a quote', () => {
  const mount = parseMount('type=bind,"src=/a,b ""c""",dst=/b', '/')
  assert.deepEqual(mount, { ...plain, source: '/a,b "c"' })
})

test('a tmpfs', () => {
  assert.deepEqual(parseMount('type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1777,ro', '/'), {
    type: 'tmpfs',
    target: '/t',
    options: ['ro', 'size=1048576', 'mode=1777'],
    isFromMountFlag: true,
  })
  assert.deepEqual(parseTmpfs('/t'), { type: 'tmpfs', target: '/t', options: [] })
  assert.deepEqual(parseTmpfs('/t:exec,size=50%,mode=700,uid=5').options, [
    'exec',
    'size=50%',
    'mode=700',
    'uid=5',
  ])
})

test('volumes have a name or are anonymous', () => {
  const volume = {
    type: 'volume',
    name: 'data',
    isAnonymous: false,
    target: '/d',
    isReadOnly: false,
    isNotFilled: false,
    isFromVolumeFlag: false,
  }
  assert.deepEqual(parseMount('type=volume,src=data,dst=/d', '/'), volume)
  const options = { isReadOnly: true, isNotFilled: true }
  assert.deepEqual(parseMount('src=data,dst=/d,ro,volume-nocopy', '/'), { ...volume, ...options })
  assert.deepEqual(parseMount('dst=/d', '/'), { ...volume, name: undefined, isAnonymous: true })
  assert.throws(() => parseMount('src=a/b,dst=/d', '/'), { code: 'INVALID_ARGUMENT' })
  const driven = [
    'src=data,dst=/d,volume-driver=local,volume-opt=type=tmpfs,volume-opt=device=tmpfs',
    '"volume-opt=o=size=1m,uid=5",volume-label=team=one,volume-label=bare,volume-subpath=a/../b',
  ].join(',')
  assert.deepEqual(parseMount(driven, '/'), {
    ...volume,
    subpath: 'a/../b',
    driverOptions: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=5' },
    labels: { team: 'one', bare: '' },
  })
})

test('a promise about consistency is kept by doing nothing', () => {
  assert.deepEqual(parseMount('type=bind,src=/a,dst=/b,consistency=cached', '/'), plain)
})

test('anything else is refused', () => {
  const broken = [
    'type=bind,src=/a',
    'type=bind,dst=/b',
    'type=bind,src=/a,dst=b',
    'type=bind,src=/a,dst=/',
    'type=bind,src=/a,dst',
    'type=bind,src=/a,dst=/b,ro=maybe',
    'type=bind,src=/a,dst=/b,bind-propagation=up',
    'type=bind,src=/a,dst=/b,bind-recursive=readonly',
    'type=bind,src=/a,dst=/b,tmpfs-size=1m',
    'type=bind,src=/a,dst=/b,toString=x',
    'type=bind,src=/a,dst=/b,"x',
    'type=tmpfs,dst=/t,src=/a',
    'type=tmpfs,dst=/t,tmpfs-mode=9',
    'type=cluster,dst=/t',
    'type=bind,src=/a,dst=/b,consistency=often',
    'type=bind,src=/a,dst=/b,volume-subpath=c',
    'type=tmpfs,dst=/t,volume-opt=type=tmpfs',
    'src=vol,dst=/d,volume-driver=nfs',
    'src=vol,dst=/d,volume-opt=color=red',
    'src=vol,dst=/d,volume-opt=type=tmpfs',
    'src=vol,dst=/d,volume-opt==x',
    'src=vol,dst=/d,volume-label=',
    ...['/a', '..', '../a', 'a/../..', ''].map((path) => `src=vol,dst=/d,volume-subpath=${path}`),
  ]
  for (const text of broken) {
    assert.throws(() => parseMount(text, '/'), { code: 'INVALID_ARGUMENT' }, text)
  }
  for (const text of ['t', '/', '/t:wo', '/t:size=x', '/t:uid=root', '/t:data=/x', '/t:ro,']) {
    assert.throws(() => parseTmpfs(text), { code: 'INVALID_ARGUMENT' }, text)
  }
})
