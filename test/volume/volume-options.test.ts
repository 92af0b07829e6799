import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkVolumeOptions, volumeMount } from '../../src/volume/volume-options.ts'

test('type, device and mount options, as mount(8) would have them', () => {
  const tmpfs = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,,uid=5' }
  checkVolumeOptions(tmpfs)
  assert.deepEqual(volumeMount(tmpfs), {
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['size=1m', 'uid=5'],
  })
  const nfs = { type: 'nfs', device: ':/export', o: 'addr=10.0.0.1,rw,nfsvers=4' }
  checkVolumeOptions(nfs)
  assert.deepEqual(volumeMount(nfs)?.options, ['addr=10.0.0.1', 'rw', 'nfsvers=4'])
  checkVolumeOptions({})
  assert.equal(volumeMount({}), undefined)
})

test('a bind by its type, or as docker spells it', () => {
  for (const [type, o, options] of [
    ['none', 'bind', ['bind']],
    ['none', 'ro,rbind', ['ro', 'rbind']],
    ['bind', '', ['bind']],
    ['bind', 'ro', ['bind', 'ro']],
  ] as const) {
    const given = { type, device: '/srv', o }
    checkVolumeOptions(given)
    assert.deepEqual(volumeMount(given), { type: 'bind', source: '/srv', options })
  }
})

test('anything else is refused by name', () => {
  const refused = [
    [{ color: 'red' }, 'option color: is unknown for the driver local'],
    [{ type: 'tmpfs' }, 'option device: is missing'],
    [{ type: 'nfs', device: '' }, 'option device: is missing'],
    [{ device: '/a' }, 'option type: is missing'],
    [{ o: 'bind' }, 'option type: is missing'],
    [{ type: 'none', device: 'srv', o: 'bind' }, 'option device=srv: must be absolute'],
    [{ type: 'none', device: '/a', o: 'bind,size=1m' }, 'option o: size=1m is unknown for a bind'],
  ] as const
  for (const [options, message] of refused) {
    assert.throws(() => checkVolumeOptions(options), { code: 'INVALID_ARGUMENT', message })
  }
  assert.throws(() => checkVolumeOptions({ size: '1g' }), { code: 'UNSUPPORTED' })
})
