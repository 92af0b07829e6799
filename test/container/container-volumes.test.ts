import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { prepareVolumes } from '../../src/container/container-volumes.ts'

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

function scratch(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'tsctr-volumes-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const rootfs = join(directory, 'rootfs')
  mkdirSync(rootfs)
  let count = 0
  const filled = async (target: string): Promise<string[]> => {
    const name = `volume${count++}`
    const mount = { type: 'volume', name, target, isAnonymous: true, isReadOnly: false } as const
    const mounts = [{ ...mount, isNotFilled: false, isFromVolumeFlag: false }]
    await prepareVolumes(directory, mounts, rootfs)
    return readdirSync(join(directory, 'volumes', name, '_data'))
  }
  return { directory, rootfs, filled }
}
