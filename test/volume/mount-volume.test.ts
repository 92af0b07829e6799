import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { mountsUnder } from '../../src/host/mount.ts'
import { addVolumeUser, getVolume } from '../../src/store/volumes.ts'
import { createVolume } from '../../src/volume/create-volume.ts'
import { mountVolume, unmountedRequest, unmountVolume } from '../../src/volume/mount-volume.ts'
import { removeVolume } from '../../src/volume/remove-volume.ts'
import { volumeDirectories } from '../../src/volume/volume-directories.ts'
import {
  addContainer,
  containerStores,
  exited,
  running,
  type TestStores,
} from '../container/container-stores.ts'
import { needsRoot } from '../helpers/capabilities.ts'

let stores: TestStores
beforeEach(() => {
  stores = containerStores()
})
afterEach(() => stores.close())

const tmpfs = { type: 'tmpfs', device: 'tmpfs' }

function create(name: string, options: Record<string, string>): string {
  createVolume(stores, { name, isAnonymous: false, options, labels: {} })
  return volumeDirectories(stores.dataRoot, name).data
}

async function requestOf(options: Record<string, string>): Promise<readonly string[] | undefined> {
  const name = `volume${Object.values(options).join('').length}`
  create(name, options)
  const volume = getVolume(stores.database, name)
  assert.ok(volume)
  const request = await unmountedRequest(stores.dataRoot, volume)
  removeVolume(stores, name)
  return request?.mount.options
}

test('a server is known to the kernel by its address, wherever its name stands', async () => {
  const nfs = { type: 'nfs', device: ':/x' }
  assert.deepEqual(await requestOf({ ...nfs, o: 'rw,addr=10.1.2.3' }), ['rw', 'addr=10.1.2.3'])
  const local = /^addr=(127\.0\.0\.1|::1)$/
  assert.match((await requestOf({ ...nfs, o: 'addr=localhost,nfsvers=4' }))?.[1] ?? '', local)
  assert.match((await requestOf({ ...nfs, device: 'localhost:/x' }))?.[0] ?? '', local)
  assert.deepEqual(await requestOf({ ...nfs, device: '[fd00::1]:/x' }), ['addr=fd00::1'])
  assert.deepEqual(await requestOf(nfs), [])
  // To any other file system a colon is only a colon.
  assert.deepEqual(await requestOf({ type: 'tmpfs', device: 'localhost:/x' }), [])
})

describe('a volume that is a mount', { skip: needsRoot() }, () => {
  test('is mounted once, and unmounted when no other container runs that has it', async () => {
    const data = create('shared', tmpfs)
    const one = addContainer(stores, 'one', { change: running() })
    const two = addContainer(stores, 'two', { change: running() })
    const ended = addContainer(stores, 'ended', { change: exited(0) })
    for (const { id } of [one, two, ended]) addVolumeUser(stores.database, id, ['shared'])
    assert.equal(await mountVolume(stores, 'shared'), true)
    writeFileSync(`${data}/seen`, 'seen')
    assert.equal(await mountVolume(stores, 'shared'), true)
    assert.deepEqual(mountsUnder(data), [data])
    await unmountVolume(stores, 'shared', one.id)
    assert.equal(readFileSync(`${data}/seen`, 'utf8'), 'seen')
    stores.database.prepare("UPDATE container SET state = 'exited' WHERE id = ?").run(one.id)
    await unmountVolume(stores, 'shared', two.id)
    assert.deepEqual(mountsUnder(data), [])
    assert.deepEqual(readdirSync(data), [])
  })

  // The directory of a bind was emptied with the volume.
  test('that was left mounted is unmounted before it is removed', async () => {
    const kept = create('kept', {})
    writeFileSync(`${kept}/precious`, '')
    const data = create('bound', { type: 'none', device: kept, o: 'bind' })
    await mountVolume(stores, 'bound')
    assert.deepEqual(readdirSync(data), ['precious'])
    removeVolume(stores, 'bound')
    assert.deepEqual(readdirSync(kept), ['precious'])
    assert.deepEqual(mountsUnder(stores.dataRoot), [])
  })

  test('a plain volume is none', async () => {
    const data = create('plain', {})
    assert.equal(await mountVolume(stores, 'plain'), false)
    await unmountVolume(stores, 'plain', 'nobody')
    assert.deepEqual(mountsUnder(data), [])
  })
})
