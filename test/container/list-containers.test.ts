import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { parseContainerFilter } from '../../src/container/container-filters.ts'
import { listForPs } from '../../src/container/list-containers.ts'
import { selfAsOwner } from '../../src/host/owner.ts'
import { deleteImage } from '../../src/store/images.ts'
import {
  addContainer,
  addImage,
  containerStores,
  exited,
  running,
  type TestStores,
} from './container-stores.ts'

let stores: TestStores
let problems: unknown[]

beforeEach(() => {
  stores = containerStores()
  problems = []
})
afterEach(() => stores.close())

interface Asked {
  readonly isAll?: boolean
  readonly last?: number
  readonly filters?: readonly string[]
}

async function names({ isAll = false, last, filters = [] }: Asked = {}): Promise<string[]> {
  const listed = await listForPs(stores, {
    isAll,
    last,
    filters: filters.map(parseContainerFilter),
    onProblem: (error) => problems.push(error),
  })
  return listed.map(({ record }) => record.name)
}

const noProblem = (error: unknown): void => assert.fail(String(error))

const all = (...filters: string[]): Promise<string[]> => names({ isAll: true, filters })

describe('which containers are listed', () => {
  beforeEach(() => {
    addContainer(stores, 'oldest', { change: running() })
    addContainer(stores, 'failed', { change: exited(3) })
    addContainer(stores, 'new')
    addContainer(stores, 'newest', { change: running() })
  })

  test('those that run, newest first; with -a all', async () => {
    assert.deepEqual(await names(), ['newest', 'oldest'])
    assert.deepEqual(await all(), ['newest', 'new', 'failed', 'oldest'])
  })

  test('the last few count whatever their state, after filters', async () => {
    assert.deepEqual(await names({ last: 2 }), ['newest', 'new'])
    assert.deepEqual(await names({ last: 1, filters: ['name=e'] }), ['newest'])
    assert.deepEqual(await names({ last: 1, filters: ['name=old'] }), ['oldest'])
    assert.deepEqual(await names({ last: 9 }), ['newest', 'new', 'failed', 'oldest'])
    for (const last of [0, -1]) assert.deepEqual(await names({ last }), ['newest', 'oldest'])
  })

  test('a filter for a status brings those that do not run', async () => {
    assert.deepEqual(await names({ filters: ['status=created'] }), ['new'])
    assert.deepEqual(await names({ filters: ['status=exited', 'status=created'] }), [
      'new',
      'failed',
    ])
    assert.deepEqual(await names({ filters: ['status=paused'] }), [])
    assert.deepEqual(await names({ filters: ['exited=3'] }), [], 'that for an exit code does not')
  })

  test('not those of other namespaces, nor those that are being made', async () => {
    addContainer(stores, 'half', { change: { state: 'creating', owner: selfAsOwner() } })
    assert.deepEqual(await names({ last: 1 }), ['newest'])
    assert.deepEqual(
      await listForPs(
        { ...stores, namespace: 'other' },
        { isAll: true, filters: [], onProblem: noProblem },
      ),
      [],
    )
  })
})

// Without -a the rows of what does not run stay where they are; what is about to run is not missed.
test('one that is being removed, or waits for its next start, counts as active', async () => {
  addContainer(stores, 'ended', { change: exited(1) })
  addContainer(stores, 'again', {
    change: { ...running(), ...exited(1), restart: { count: 1, delayMs: 100, at: new Date() } },
  })
  assert.deepEqual(await names(), ['again'])
  assert.deepEqual(await names({ filters: ['status=exited'] }), ['ended'])
})

describe('filters', () => {
  test('of one kind are alternatives, of several kinds must all hold', async () => {
    addContainer(stores, 'web-1', { change: exited(0) })
    addContainer(stores, 'web-2', { change: exited(1) })
    addContainer(stores, 'db', { change: exited(1) })
    assert.deepEqual(await all('name=web-1', 'name=db'), ['db', 'web-1'])
    assert.deepEqual(await all('name=web', 'exited=1'), ['web-2'])
    assert.deepEqual(await all('exited=0', 'exited=1', 'name=^/web'), ['web-2', 'web-1'])
  })

  test('id is any part of the id', async () => {
    const { id } = addContainer(stores, 'web')
    addContainer(stores, 'db')
    assert.deepEqual(await all(`id=${id}`), ['web'])
    assert.deepEqual(await all(`id=^${id.slice(0, 12)}`), ['web'])
  })

  test('labels must all be there', async () => {
    addContainer(stores, 'both', { config: { labels: { a: '1', b: '' } } })
    addContainer(stores, 'one', { config: { labels: { a: '2' } } })
    assert.deepEqual(await all('label=a'), ['one', 'both'])
    assert.deepEqual(await all('label=a=1'), ['both'])
    assert.deepEqual(await all('label=a', 'label=b'), ['both'])
    assert.deepEqual(await all('label=b='), ['both'])
    assert.deepEqual(await all('label=constructor'), [])
  })

  test('before and since are by the time of creation', async () => {
    const { id } = addContainer(stores, 'aa')
    for (const name of ['bb', 'cc']) addContainer(stores, name)
    assert.deepEqual(await all('before=bb'), ['aa'])
    assert.deepEqual(await all('since=bb'), ['cc'])
    assert.deepEqual(await all(`since=${id.slice(0, 8)}`, 'before=cc'), ['bb'])
    await assert.rejects(all('before=zz'), { code: 'NOT_FOUND' })
  })

  test('network is a name, volume a path on either side', async () => {
    const mount = {
      type: 'bind',
      source: '/srv/data',
      target: '/data',
      isReadOnly: false,
      propagation: 'rprivate',
      isRecursive: true,
      readOnlyReach: 'best',
      createsSource: true,
    } as const
    addContainer(stores, 'plain')
    addContainer(stores, 'bound', { config: { mounts: [mount], networkMode: 'host' } })
    assert.deepEqual(await all('network=host'), ['bound'])
    assert.deepEqual(await all('network=none'), ['plain'])
    assert.deepEqual(await all('volume=/srv/data'), ['bound'])
    assert.deepEqual(await all('volume=/data'), ['bound'])
    assert.deepEqual(await all('volume=/srv'), [])
  })

  test('ancestor is an image or one it was built on, by name or id', async () => {
    const base = addImage(stores, 'base', { layers: ['1', '2'] })
    const app = addImage(stores, 'me/app:1', { layers: ['1', '2', '3'] })
    const twin = addImage(stores, 'twin', { layers: ['1', '2'], config: { Env: ['A=1'] } })
    addContainer(stores, 'of-base', { image: base })
    addContainer(stores, 'of-app', { image: app })
    addContainer(stores, 'of-twin', { image: twin })
    addContainer(stores, 'of-rootfs', { config: { rootfs: '/srv/root' } })
    assert.deepEqual(await all('ancestor=base'), ['of-app', 'of-base'])
    assert.deepEqual(await all('ancestor=base:latest'), ['of-app', 'of-base'])
    assert.deepEqual(await all('ancestor=me/app:1'), ['of-app'])
    assert.deepEqual(await all('ancestor=me/app'), [])
    assert.deepEqual(await all(`ancestor=${base.configDigest.slice(7, 19)}`), ['of-app', 'of-base'])
    assert.deepEqual(await all('ancestor=twin', 'ancestor=me/app:1'), ['of-twin', 'of-app'])
    assert.deepEqual(await all('ancestor=nobody'), [])
    deleteImage(stores.database, stores.namespace, twin.name)
    assert.deepEqual(await all(`ancestor=${twin.configDigest}`), ['of-twin'])
  })
})

describe('states', () => {
  const dead = (): ReturnType<typeof selfAsOwner> => ({ ...selfAsOwner(), startTicks: 1 })

  // After a reboot, or a kill -9 of monitor and process, the record still says running.
  test('a container that only claims to run has exited', async () => {
    addContainer(stores, 'ghost', { change: { ...running(), process: dead(), monitor: dead() } })
    assert.deepEqual(await names(), [])
    const [listed] = await listForPs(stores, { isAll: true, filters: [], onProblem: noProblem })
    assert.equal(listed?.state, 'exited')
    assert.equal(listed?.record.exitCode, 255)
  })

  test('one that somebody is about to start is still what it was', async () => {
    const starting = { state: 'starting', owner: selfAsOwner() } as const
    addContainer(stores, 'first', { change: starting })
    addContainer(stores, 'again', { change: { ...exited(1), ...starting } })
    const listed = await listForPs(stores, { isAll: true, filters: [], onProblem: noProblem })
    assert.deepEqual(
      listed.map(({ record, state }) => [record.name, state]),
      [
        ['again', 'exited'],
        ['first', 'created'],
      ],
    )
  })

  test('a container that cannot be settled hides no other', async () => {
    addContainer(stores, 'fine', { change: running() })
    const ghost = { ...running(), process: dead(), monitor: dead() }
    addContainer(stores, 'stuck', { change: ghost })
    // In place of the lock file.
    const { id } = addContainer(stores, 'broken', { change: ghost })
    const directory = `${stores.dataRoot}/containers/${id}`
    rmSync(directory, { recursive: true })
    writeFileSync(directory, '')
    assert.deepEqual(await names(), ['fine'])
    assert.equal(problems.length, 1)
    assert.deepEqual(await names({ isAll: true }), ['broken', 'stuck', 'fine'])
  })
})
