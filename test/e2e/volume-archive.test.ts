import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { lgetxattr, lsetxattr } from '../../src/host/libc.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createRunSandbox, type RunSandbox } from '../helpers/run-sandbox.ts'
import { directory, file, hardLink, symlink, tarOf } from '../helpers/tar-builder.ts'

describe('volume export and import', { skip: needsContainers() || needsRegistry() }, () => {
  let sandbox: RunSandbox
  before(async () => {
    sandbox = await createRunSandbox()
  })
  after(() => sandbox.close())

  const dataOf = (name: string): string => join(sandbox.dataRoot, 'volumes', name, '_data')
  const local = (name: string): string => join(sandbox.directory, name)

  test('what is exported and imported is the same, by owner, mode, attribute, link and kind', async () => {
    await sandbox.succeeds('volume', 'create', 'first')
    const data = dataOf('first')
    const script = [
      'cd /v && mkdir -p d/e && echo body > d/e/f && ln d/e/f hard && ln -s d/e/f soft',
      'mknod null c 1 3 && mkfifo pipe && touch .hidden && chmod 4750 d/e/f && chmod 1777 d',
      'chown -R 33:44 d && chown 5:6 . && chmod 0711 . && touch -d "2001-02-03 04:05:06" hard',
    ].join(' && ')
    await sandbox.inside(['-v', 'first:/v'], script)
    lsetxattr(join(data, 'd', 'e', 'f'), 'user.kept', Buffer.from('value'))
    const archive = local('first.tar')
    assert.equal(await sandbox.succeeds('volume', 'export', '-o', archive, 'first'), '')
    await sandbox.succeeds('volume', 'create', 'second')
    assert.equal(await sandbox.succeeds('volume', 'import', 'second', archive), '')
    const copy = dataOf('second')
    const describeTree = (root: string): string =>
      execFileSync('find', ['.', '-printf', '%p %y %m %U %G %s %n %T@ %l\n'], {
        cwd: root,
        encoding: 'utf8',
      })
        .split('\n')
        // docker's archives have whole seconds.
        .map((line) => line.replace(/(\d+)\.\d+( *)(\S*)$/, '$1 $3'))
        .sort()
        .join('\n')
    assert.equal(describeTree(copy), describeTree(data))
    assert.equal(lstatSync(join(copy, 'hard')).ino, lstatSync(join(copy, 'd/e/f')).ino)
    assert.equal(lgetxattr(join(copy, 'hard'), 'user.kept')?.toString(), 'value')
    assert.equal(readlinkSync(join(copy, 'soft')), 'd/e/f')
    assert.deepEqual(leftBeside('second'), [])
    assert.equal(lstatSync(archive).mode & 0o777, 0o600)
  })

  test('stdin and stdout, gzip and zstd, and over what is there', async () => {
    const archive = tarOf(
      directory('d', { uid: 7 }),
      file('d/f', 'new', { uid: 8 }),
      file('g', 'g'),
    )
    for (const [name, bytes] of [
      ['plain', archive],
      ['gzip', gzipSync(archive)],
      ['zstd', zstdCompressSync(archive)],
    ] as const) {
      await sandbox.succeeds('volume', 'create', name)
      const { exitCode, stderr } = await sandbox.run(['volume', 'import', name, '-'], {
        input: bytes,
      })
      assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' })
      assert.equal(readFileSync(join(dataOf(name), 'd/f'), 'utf8'), 'new')
      assert.equal(lstatSync(join(dataOf(name), 'd/f')).uid, 8)
    }
    writeFileSync(join(dataOf('plain'), 'd/other'), 'stays')
    writeFileSync(join(dataOf('plain'), 'd/f'), 'old')
    writeFileSync(local('plain.tar'), archive)
    await sandbox.succeeds('volume', 'import', 'plain', local('plain.tar'))
    assert.equal(readFileSync(join(dataOf('plain'), 'd/f'), 'utf8'), 'new')
    assert.equal(readFileSync(join(dataOf('plain'), 'd/other'), 'utf8'), 'stays')
    assert.deepEqual(leftBeside('plain'), [])
    const written = await sandbox.succeeds('volume', 'export', 'plain')
    const names = execFileSync('tar', ['-t'], { input: `${written}\0`, encoding: 'utf8' })
    assert.match(names, /^\.\/\nd\/\nd\/f\n/)
  })

  test('a hostile archive stays in the volume, or is refused and changes nothing', async () => {
    writeFileSync(local('outside'), 'untouched')
    await sandbox.succeeds('volume', 'create', 'safe')
    const archive = tarOf(
      file('../../../escape', 'x'),
      symlink('out', sandbox.directory),
      file('out/outside', 'changed'),
      symlink('up', '../../../../..'),
      file('up/etc/made', 'x'),
    )
    const { exitCode } = await sandbox.run(['volume', 'import', 'safe', '-'], { input: archive })
    assert.equal(readFileSync(local('outside'), 'utf8'), 'untouched')
    assert.equal(existsSync(join(sandbox.dataRoot, 'volumes', 'escape')), false)
    assert.equal(existsSync(join(sandbox.dataRoot, 'escape')), false)
    assert.equal(existsSync('/etc/made'), false)
    if (exitCode !== 0) assert.deepEqual(readdirSync(dataOf('safe')), [])
    const refused = [
      [tarOf(file('good', 'g'), hardLink('bad', '../../../../etc/passwd')), /hard link to/],
      [tarOf(file('good', 'g'), file('d', ''), directory('d')), /cannot replace a file/],
      [
        tarOf(file('good', 'g'), file('big', 'x'.repeat(4000))).subarray(0, 2500),
        /cut|ends|short|trunc/i,
      ],
      [gzipSync(tarOf(file('good', 'g'.repeat(9999)))).subarray(0, 60), /damaged gzip/],
      [Buffer.from('BZh91AY&SY'), /bzip2/],
      [Buffer.alloc(3000, 'no archive '), /./],
    ] as const
    for (const volume of ['fresh', 'used']) {
      await sandbox.succeeds('volume', 'create', volume)
      if (volume === 'used') writeFileSync(join(dataOf(volume), 'mine'), 'mine')
      const before = readdirSync(dataOf(volume))
      for (const [input, words] of refused) {
        const ended = await sandbox.run(['volume', 'import', volume, '-'], { input })
        assert.match(ended.stderr, words)
        assert.match(ended.stderr, /^tsctr: .*\n(hint: .*\n)?$/)
        assert.equal(ended.exitCode, 1)
        assert.deepEqual(readdirSync(dataOf(volume)), before)
        assert.deepEqual(leftBeside(volume), [])
      }
    }
  })

  test('an import that is killed changes nothing, and the next goes on from a clean place', async () => {
    await sandbox.succeeds('volume', 'create', 'killed')
    const { child, finished } = sandbox.start(['volume', 'import', 'killed', '-'], {
      keepsStdinOpen: true,
    })
    child.stdin?.write(tarOf(file('half', 'x'.repeat(600_000))).subarray(0, 400_000))
    const importing = join(dataOf('killed'), '..', 'importing')
    for (let tries = 0; tries < 500; tries++) {
      if (existsSync(importing) && readdirSync(importing).length > 0) break
      await delay(10)
    }
    assert.ok(readdirSync(importing).length > 0)
    child.kill('SIGKILL')
    await finished
    assert.deepEqual(readdirSync(dataOf('killed')), [])
    // Whoever uses the volume next takes away what is left.
    assert.equal(await sandbox.inside(['-v', 'killed:/k'], 'ls /k'), '')
    assert.deepEqual(leftBeside('killed'), [])
    await sandbox.run(['volume', 'import', 'killed', '-'], { input: tarOf(file('whole', 'w')) })
    assert.deepEqual(readdirSync(dataOf('killed')), ['whole'])
    assert.deepEqual(leftBeside('killed'), [])
  })

  test('a volume that is a mount is mounted for it, and for nobody else', async () => {
    const source = local('exported')
    mkdirSync(source)
    writeFileSync(join(source, 'own'), 'own')
    chownSync(source, 3, 4)
    const bind = ['-o', 'type=none', '-o', `device=${source}`, '-o', 'o=bind']
    await sandbox.succeeds('volume', 'create', ...bind, 'bound')
    await sandbox.succeeds('volume', 'export', '-o', local('bound.tar'), 'bound')
    const names = execFileSync('tar', ['-tf', local('bound.tar')], { encoding: 'utf8' })
    assert.equal(names, './\nown\n')
    await sandbox.run(['volume', 'import', 'bound', '-'], { input: tarOf(file('more', 'm')) })
    assert.deepEqual(readdirSync(source).sort(), ['more', 'own'])
    assert.equal(lstatSync(source).uid, 3)
    assert.deepEqual(readdirSync(dataOf('bound')), [])
    await sandbox.succeeds('volume', 'rm', 'bound')
  })

  test('bad input is refused by name', async () => {
    await sandbox.succeeds('volume', 'create', 'there')
    const refused = [
      [['export', 'missing'], /^tsctr: volume missing: no such volume\n/],
      [['import', 'missing', '-'], /^tsctr: volume missing: no such volume\n/],
      [['import', 'there', '/no/such.tar'], /^tsctr: \/no\/such.tar: no such file\n/],
      [['import', 'there', sandbox.directory], /is a directory, not an archive\n/],
      [['export', '-o', '/no/such/x.tar', 'there'], /^tsctr: invalid output path: directory/],
    ] as const
    for (const [args, words] of refused) {
      const { exitCode, stderr } = await sandbox.run(['volume', ...args])
      assert.match(stderr, words)
      assert.equal(exitCode, 1)
    }
    const failed = await sandbox.run(['volume', 'export', '-o', local('none.tar'), 'missing'])
    assert.equal(failed.exitCode, 1)
    assert.equal(existsSync(local('none.tar')), false)
  })

  /** What lies in a volume's directory besides its data and its locks. */
  function leftBeside(name: string): string[] {
    const usual = ['_data', 'lock', 'import-lock']
    return readdirSync(join(dataOf(name), '..')).filter((entry) => !usual.includes(entry))
  }
})
