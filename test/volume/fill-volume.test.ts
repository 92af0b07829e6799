import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { lsetxattr, lutimesNs, mknod } from '../../src/host/libc.ts'
import { mountAll, unmountIfMounted } from '../../src/host/mount.ts'
import { fillVolume } from '../../src/volume/fill-volume.ts'
import {
  ensureVolumeDirectories,
  mountedDirectories,
  type VolumeDirectories,
} from '../../src/volume/volume-directories.ts'
import { needsRoot } from '../helpers/capabilities.ts'
import { describeTree } from '../helpers/describe-tree.ts'

describe('a copy of what the image has', { skip: needsRoot() }, () => {
  let directory: string
  let source: string
  let volume: VolumeDirectories

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tsctr-fill-'))
    source = join(directory, 'image')
    volume = ensureVolumeDirectories(directory, 'filled')
    makeSource(source)
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const whole = (): void => {
    assert.deepEqual(describeTree(volume.data), describeTree(source))
    for (const name of ['hard', 'many/f7-again']) {
      assert.equal(lstatSync(join(volume.data, name)).nlink, 2)
    }
    assert.deepEqual(readdirSync(volume.directory).sort(), ['_data', 'lock'])
  }

  test('has owners, modes, times, attributes, links and devices, the directory’s own too', async () => {
    await fillVolume(volume, source)
    whole()
    assert.equal(
      lstatSync(join(volume.data, 'hard')).ino,
      lstatSync(join(volume.data, 'sub/file')).ino,
    )
  })

  test('goes into an empty volume alone', async () => {
    writeFileSync(join(volume.data, 'mine'), 'mine')
    await fillVolume(volume, source)
    assert.deepEqual(readdirSync(volume.data), ['mine'])
  })

  test('is made once and whole by processes that start at once', async () => {
    const processes = Array.from({ length: 4 }, () => filler(volume, source))
    const ends = await Promise.all(processes.map(exitCodeOf))
    assert.deepEqual(ends, [0, 0, 0, 0])
    whole()
    // What containers did since stays: nothing is copied again.
    rmSync(join(volume.data, 'sub'), { recursive: true })
    await fillVolume(volume, source)
    assert.equal(existsSync(join(volume.data, 'sub')), false)
  })

  test('is finished by the next start, wherever it is killed', async () => {
    let killed = 0
    for (let round = 0; killed < 5; round++) {
      assert.ok(round < 60, 'hardly ever killed in the midst')
      const process = filler(volume, source)
      await untilLocked(volume)
      await delay(round % 15)
      process.kill('SIGKILL')
      const code = await exitCodeOf(process)
      const isInTheMidst = existsSync(volume.copying) || existsSync(volume.copied)
      if (isInTheMidst) killed++
      // Without the mark of a copy under way, what is there counts as whole.
      if (!isInTheMidst && readdirSync(volume.data).length > 0) whole()
      await fillVolume(volume, source)
      whole()
      assert.ok(code === 0 || code === null)
      rmSync(volume.directory, { recursive: true })
      ensureVolumeDirectories(directory, 'filled')
    }
  })

  test('into what is mounted waits in it, and is finished as well', async () => {
    mountAll([{ type: 'tmpfs', source: 'tmpfs', options: [] }], volume.data)
    try {
      const mounted = mountedDirectories(volume)
      mkdirSync(mounted.copying)
      writeFileSync(join(mounted.copying, 'half'), '')
      await fillVolume(mounted, source)
      whole()
    } finally {
      unmountIfMounted(volume.data)
    }
    assert.deepEqual(readdirSync(volume.data), [])
  })
})

function makeSource(path: string): void {
  mkdirSync(join(path, 'sub'), { recursive: true })
  mkdirSync(join(path, 'many'))
  writeFileSync(join(path, 'sub/file'), 'x'.repeat(300_000))
  linkSync(join(path, 'sub/file'), join(path, 'hard'))
  lsetxattr(join(path, 'hard'), 'user.kept', Buffer.from('value'))
  symlinkSync('/absolute', join(path, 'soft'))
  lchownSync(join(path, 'soft'), 5, 6)
  mknod(join(path, 'null'), 0o20666, 1, 3)
  mknod(join(path, 'pipe'), 0o10600)
  for (let index = 0; index < 400; index++) {
    writeFileSync(join(path, 'many', `f${index}`), `${index}`)
    chownSync(join(path, 'many', `f${index}`), index, index + 1)
  }
  linkSync(join(path, 'many/f7'), join(path, 'many/f7-again'))
  for (let index = 0; index < 50; index++) mkdirSync(join(path, `top${index}`))
  chmodSync(join(path, 'sub/file'), 0o4755)
  chmodSync(join(path, 'sub'), 0o1777)
  chownSync(path, 999, 1000)
  chmodSync(path, 0o710)
  lutimesNs(path, 10n ** 18n, 10n ** 18n + 5n)
}

/** Another process that fills the volume. */
function filler(volume: VolumeDirectories, source: string): ChildProcess {
  const module = new URL('../../src/volume/fill-volume.ts', import.meta.url).href
  const script = `
    const { fillVolume } = await import(${JSON.stringify(module)})
    await fillVolume(${JSON.stringify(volume)}, ${JSON.stringify(source)})`
  const args = [...process.execArgv, '--input-type=module', '-e', script]
  return spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

async function exitCodeOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}

async function untilLocked({ lock }: VolumeDirectories): Promise<void> {
  for (let tries = 0; !existsSync(lock); tries++) {
    assert.ok(tries < 5000, 'never begun')
    await delay(1)
  }
}
