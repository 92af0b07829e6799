import assert from 'node:assert/strict'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openSubpath, prepareVolumes } from '../../src/container/container-volumes.ts'
import { openStores } from '../helpers/stores.ts'

// Fault list, b3 34. CVE-2022-23648: the copy into a volume followed a link of the image, and read
// files of the host.
test('a volume at a link of the image is filled from the image, never from the host', async (t) => {
  const { directory, rootfs, filled } = scratch(t)
  mkdirSync(join(directory, 'host'))
  writeFileSync(join(directory, 'host', 'secret'), '')
  mkdirSync(join(rootfs, 'host'))
  writeFileSync(join(rootfs, 'host', 'own'), '')
  symlinkSync(join(directory, 'host'), join(rootfs, 'absolute'))
  symlinkSync('../host', join(rootfs, 'upwards'))
  symlinkSync('/proc/1/root/etc', join(rootfs, 'proc-link'))
  symlinkSync('loop', join(rootfs, 'loop'))
  assert.deepEqual(await filled('/absolute'), [])
  assert.deepEqual(await filled('/upwards'), ['own'])
  assert.deepEqual(await filled('/proc-link'), [])
  assert.deepEqual(await filled('/loop'), [])
  assert.deepEqual(await filled('/../../host'), ['own'])
})

// Moby's safepath: a link in a volume is another container's to make.
test('a part of a volume is never out of it, wherever its links lead', (t) => {
  const { directory } = scratch(t)
  const data = join(directory, 'data')
  mkdirSync(join(data, 'etc', 'inner'), { recursive: true })
  symlinkSync('/etc', join(data, 'absolute'))
  symlinkSync('../../../../../etc', join(data, 'upwards'))
  symlinkSync('/proc/1/root/etc', join(data, 'proc'))
  symlinkSync('/etc/passwd', join(data, 'file'))
  const open = (subpath: string): string[] => {
    const fd = openSubpath(data, { ...volume, name: 'parted', target: '/p', subpath })
    try {
      return readdirSync(`/proc/self/fd/${fd}/.`)
    } finally {
      closeSync(fd)
    }
  }
  assert.deepEqual(open('absolute'), ['inner'])
  assert.deepEqual(open('upwards'), ['inner'])
  assert.deepEqual(open('etc'), ['inner'])
  for (const subpath of ['proc', 'file', 'missing', 'absolute/passwd']) {
    const message = `volume parted: has no ${subpath}`
    assert.throws(() => open(subpath), { code: 'NOT_FOUND', message })
  }
})

const volume = {
  type: 'volume',
  isAnonymous: true,
  isReadOnly: false,
  isNotFilled: false,
  isFromVolumeFlag: false,
} as const

function scratch(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'tsctr-volumes-'))
  const { database } = openStores(directory)
  t.after(() => {
    database.close()
    rmSync(directory, { recursive: true, force: true })
  })
  const places = { dataRoot: directory, database, bundle: { subpaths: join(directory, 'parts') } }
  const rootfs = join(directory, 'rootfs')
  mkdirSync(rootfs)
  let count = 0
  const filled = async (target: string): Promise<string[]> => {
    const name = `volume${count++}`
    await prepareVolumes(places, [{ ...volume, name, target }], rootfs)
    return readdirSync(join(directory, 'volumes', name, '_data'))
  }
  return { directory, rootfs, filled }
}
