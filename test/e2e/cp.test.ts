import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type RunResult, type Sandbox } from '../helpers/cli.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsRegistry()

describe('tsctr cp', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    mkdirSync(local('shared'))
    mkdirSync(local('sealed'))
    writeFileSync(local('config'), 'mounted')
    const volumes = ['-v', `${local('shared')}:/shared`, '-v', `${local('sealed')}:/sealed:ro`]
    const flags = ['--network', 'none', ...volumes, '-v', `${local('config')}:/etc/config`]
    const program =
      'mkdir /made; echo one >/made/file; ln -s /etc/passwd /made/link; exec sleep 1000'
    await succeeds(
      'run',
      '-d',
      '--name',
      'live',
      ...flags,
      '--tmpfs',
      '/tm',
      'busybox',
      'sh',
      '-c',
      program,
    )
    await succeeds('create', '--name', 'still', ...flags, 'busybox', 'true')
    while ((await sandbox.run(['exec', 'live', 'test', '-h', '/made/link'])).exitCode !== 0) {
      await delay(50)
    }
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  function local(...names: string[]): string {
    return join(sandbox.directory, ...names)
  }

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  async function fails(...args: string[]): Promise<string> {
    const { stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 1, `tsctr ${args.join(' ')}`)
    return stderr
  }

  /** Where the writable layer of a container lies. */
  async function upper(name: string): Promise<string> {
    const template = '{{.GraphDriver.Data.UpperDir}}'
    return (await succeeds('container', 'inspect', '-f', template, name)).trim()
  }

  function piped(args: readonly string[], input: Buffer): Promise<RunResult> {
    return sandbox.run(args, { input })
  }

  for (const name of ['live', 'still']) {
    test(`into a ${name} container: root’s, under its name, on docker’s line`, async () => {
      writeFileSync(local('file'), 'hello')
      chownSync(local('file'), 1234, 1234)
      chmodSync(local('file'), 0o4750)
      const done = await sandbox.run(['cp', '--quiet=false', local('file'), `${name}:/etc/new`])
      assert.deepEqual(done, {
        stdout: '',
        stderr: `Successfully copied 2.05kB to ${name}:/etc/new\n`,
        exitCode: 0,
      })
      const path = join(await upper(name), 'etc/new')
      assert.equal(readFileSync(path, 'utf8'), 'hello')
      const { uid, gid, mode } = statSync(path)
      assert.deepEqual([uid, gid, mode & 0o7777], [0, 0, 0o4750])
      await succeeds('cp', '-a', local('file'), `${name}:/etc/kept`)
      const kept = statSync(join(await upper(name), 'etc/kept'))
      assert.deepEqual([kept.uid, kept.gid], [1234, 1234])
    })

    test(`out of a ${name} container: the caller’s, without a line where there is no terminal`, async () => {
      const { stdout, stderr, exitCode } = await sandbox.run([
        'cp',
        `${name}:/etc/kept`,
        local('out'),
      ])
      assert.deepEqual({ stdout, stderr, exitCode }, { stdout: '', stderr: '', exitCode: 0 })
      assert.deepEqual([statSync(local('out')).uid, statSync(local('out')).gid], [0, 0])
      await succeeds('cp', '-a', `${name}:/etc/kept`, local('out'))
      assert.equal(statSync(local('out')).uid, 1234)
    })

    test(`a ${name} container’s bind mounts are copied from and to`, async () => {
      writeFileSync(local('shared/there'), 'there')
      await succeeds('cp', `${name}:/shared/there`, local('from-shared'))
      assert.equal(readFileSync(local('from-shared'), 'utf8'), 'there')
      await succeeds('cp', local('file'), `${name}:/shared/${name}`)
      assert.equal(readFileSync(local('shared', name), 'utf8'), 'hello')
      assert.equal(existsSync(join(await upper(name), 'shared', name)), false)
      assert.equal(
        await fails('cp', local('file'), `${name}:/sealed/x`),
        `tsctr: ${name}:/sealed/x: the file system is read-only\n`,
      )
      assert.deepEqual(readdirSync(local('sealed')), [])
    })

    test(`a file mounted in a ${name} container is not replaced behind its back`, async () => {
      assert.equal(
        await fails('cp', local('file'), `${name}:/etc/config`),
        `tsctr: ${name}:/etc/config: is a mount point in the container, cannot be replaced\n` +
          'hint: tsctr exec can write into it\n',
      )
      await succeeds('cp', `${name}:/etc/config`, local('config-out'))
      assert.equal(readFileSync(local('config-out'), 'utf8'), 'mounted')
    })

    test(`an archive goes into a directory of a ${name} container, its owners kept`, async () => {
      mkdirSync(local('packed/sub'), { recursive: true })
      writeFileSync(local('packed/sub/file'), 'packed')
      const options = ['--owner=77', '--group=78', '--numeric-owner']
      const archive = execFileSync('tar', ['-C', local('packed'), ...options, '-cf', '-', '.'])
      for (const [index, input] of [archive, gzipSync(archive)].entries()) {
        const target = `/in-${index}`
        mkdirSync(local('empty'), { recursive: true })
        await succeeds('cp', local('empty'), `${name}:${target}`)
        const { stderr, exitCode } = await piped(['cp', '-', `${name}:${target}`], input)
        assert.equal(exitCode, 0, stderr)
        const path = join(await upper(name), target, 'sub/file')
        assert.equal(readFileSync(path, 'utf8'), 'packed')
        assert.deepEqual([statSync(path).uid, statSync(path).gid], [77, 78])
      }
    })

    test(`an archive for what is no directory of a ${name} container is refused`, async () => {
      for (const path of ['/etc/passwd', '/no-such']) {
        const { stderr, exitCode } = await piped(['cp', '-', `${name}:${path}`], Buffer.alloc(1024))
        assert.equal(stderr, `tsctr: ${name}:${path}: must be a directory\n`)
        assert.equal(exitCode, 1)
      }
    })

    // Fault list, b3 43.
    test(`links of a ${name} container lead nowhere outside of it`, async () => {
      const canary = local('canary')
      writeFileSync(canary, 'untouched')
      symlinkSync(sandbox.directory, local('to-host'))
      symlinkSync('../'.repeat(20) + sandbox.directory.slice(1), local('up'))
      for (const link of ['to-host', 'up']) {
        await succeeds('cp', local(link), `${name}:/${link}`)
        assert.match(
          await fails('cp', `${name}:/${link}/canary`, local('stolen')),
          /no such directory/,
        )
        assert.match(
          await fails('cp', local('file'), `${name}:/${link}/canary`),
          /no such directory/,
        )
        rmSync(local(link))
      }
      assert.equal(readFileSync(canary, 'utf8'), 'untouched')
      assert.equal(existsSync(local('stolen')), false)
    })
  }

  test('a tree comes out as it is, and as an archive', async () => {
    await succeeds('cp', 'live:/made', local('made'))
    assert.deepEqual(readdirSync(local('made')).sort(), ['file', 'link'])
    assert.equal(readFileSync(local('made/file'), 'utf8'), 'one\n')
    await succeeds('cp', 'live:made/.', local('made'))
    const { stdout } = await sandbox.run(['cp', 'live:/made', '-'])
    const listed = execFileSync('tar', ['-tf', '-'], { input: stdout, encoding: 'utf8' })
    assert.equal(listed, 'made/\nmade/file\nmade/link\n')
  })

  test('what a running container has in memory is there, what the kernel shows is left out', async () => {
    await succeeds('exec', 'live', 'sh', '-c', 'echo fleeting >/tm/x')
    await succeeds('cp', 'live:/tm/x', local('x'))
    assert.equal(readFileSync(local('x'), 'utf8'), 'fleeting\n')
    await succeeds('cp', 'live:/', local('whole'))
    for (const name of ['proc', 'sys', 'dev'])
      assert.deepEqual(readdirSync(local('whole', name)), [])
    assert.ok(existsSync(local('whole/bin/sh')))
    assert.match(await fails('cp', 'live:/proc/1/status', local('status')), /files of the kernel/)
  })

  test('an image is copied from without a container', async () => {
    const ids = await succeeds('ps', '-aq')
    await succeeds('cp', 'image:busybox/etc/passwd', local('passwd'))
    await succeeds('cp', 'image:busybox:latest/etc/passwd', local('passwd2'))
    await succeeds('cp', 'image:docker.io/library/busybox:latest:/etc/.', local('etc'))
    assert.match(readFileSync(local('passwd'), 'utf8'), /^root:/)
    assert.deepEqual(readFileSync(local('passwd')), readFileSync(local('etc/passwd')))
    assert.deepEqual(readFileSync(local('passwd')), readFileSync(local('passwd2')))
    assert.equal(await succeeds('ps', '-aq'), ids)
    const snapshots = await succeeds('snapshot', 'ls', '--format', 'json')
    assert.doesNotMatch(snapshots, /"cp /)
    assert.match(await fails('cp', 'image:nothing/x', local('y')), /names no image that is here/)
    assert.match(await fails('cp', local('file'), 'image:busybox/x'), /images cannot be changed/)
  })

  test('a volume is copied to and from without a container', async () => {
    await succeeds('volume', 'create', 'data')
    const data = join(sandbox.dataRoot, 'volumes/data/_data')
    mkdirSync(local('tree/sub'), { recursive: true })
    writeFileSync(local('tree/sub/file'), 'into a volume')
    await succeeds('cp', `${local('tree')}/.`, 'volume:data')
    assert.equal(readFileSync(join(data, 'sub/file'), 'utf8'), 'into a volume')
    await succeeds('cp', local('tree/sub/file'), 'volume:data/sub/second')
    await succeeds('cp', 'volume:data/sub', local('volume-out'))
    assert.deepEqual(readdirSync(local('volume-out')), ['file', 'second'])
    const { stdout } = await sandbox.run(['cp', 'volume:data/sub', '-'])
    const listed = execFileSync('tar', ['-tf', '-'], { input: stdout, encoding: 'utf8' })
    assert.equal(listed, 'sub/\nsub/file\nsub/second\n')
    // A link of the volume leads nowhere outside of it.
    symlinkSync(sandbox.directory, join(data, 'to-host'))
    assert.match(
      await fails('cp', 'volume:data/to-host/file', local('stolen')),
      /no such directory/,
    )
    assert.equal(
      await fails('cp', 'volume:data/none', local('x')),
      'tsctr: volume:data/none: no such file or directory\n',
    )
  })

  // docker copies into the volumes of a stopped container, and out of them what the image has there.
  test('the volumes of a stopped container are part of it, before its first start too', async () => {
    writeFileSync(local('file'), 'hello')
    await succeeds('volume', 'create', 'filled')
    const volumes = ['-v', 'filled:/etc', '-v', '/mine', '-v', 'data:/sealed:ro']
    await succeeds('create', '--name', 'keeper', '--network', 'none', ...volumes, 'busybox', 'true')
    await succeeds('cp', 'keeper:/etc/passwd', local('volume-passwd'))
    assert.match(readFileSync(local('volume-passwd'), 'utf8'), /^root:/)
    const etc = join(sandbox.dataRoot, 'volumes/filled/_data')
    assert.ok(existsSync(join(etc, 'passwd')))
    await succeeds('cp', local('file'), 'keeper:/etc/added')
    assert.equal(readFileSync(join(etc, 'added'), 'utf8'), 'hello')
    await succeeds('cp', local('file'), 'keeper:/mine/own')
    assert.equal(existsSync(join(await upper('keeper'), 'mine/own')), false)
    assert.equal(
      await fails('cp', local('file'), 'keeper:/sealed/x'),
      'tsctr: keeper:/sealed/x: the file system is read-only\n',
    )
    await succeeds('rm', '-v', 'keeper')
  })

  test('a read-only container is not written to', async () => {
    await succeeds(
      'create',
      '--name',
      'fixed',
      '--read-only',
      '--network',
      'none',
      'busybox',
      'true',
    )
    assert.equal(
      await fails('cp', local('file'), 'fixed:/x'),
      'tsctr: fixed:/x: the file system is read-only\n',
    )
    await succeeds('cp', 'fixed:/etc/passwd', local('passwd3'))
  })

  test('two sides that cannot be are named', async () => {
    assert.match(
      await fails('cp', local('file'), local('x')),
      /must specify at least one container/,
    )
    assert.match(await fails('cp', 'live:/x', 'still:/x'), /between containers is not supported/)
    assert.match(
      await fails('cp', 'volume:gone/x', local('x')),
      /^tsctr: volume gone: no such volume\nhint: tsctr volume create gone\n$/,
    )
    assert.match(await fails('cp', 'volume:gone/x', 'live:/x'), /between containers is not supp/)
    assert.match(await fails('cp', 'gone:/x', local('x')), /container gone: no such container/)
    assert.match(await fails('cp', 'live:/x'), /missing required argument/)
  })

  test('nothing is mounted and no process is left', () => {
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
    assert.deepEqual(
      mounts.filter((line) => line.includes('/.view')),
      [],
    )
  })

  test('Ctrl-C ends it with 130 and leaves nothing, while it waits and while it copies', async () => {
    await succeeds('exec', 'live', 'mkdir', '/target')
    execFileSync('mkfifo', [local('pipe')])
    const writer = openSync(local('pipe'), 'r+')
    const program = 'exec "$0" cp - live:/target <"$1"'
    const waiting = sandbox.start(['-c', program, sandbox.program, local('pipe')], {
      program: 'sh',
    })
    await delay(1000)
    waiting.child.kill('SIGINT')
    const waited = await waiting.finished
    closeSync(writer)
    assert.equal(waited.exitCode, 130, waited.stderr)
    const sparse = local('big')
    writeFileSync(sparse, '')
    truncateSync(sparse, 20 * 1024 ** 3)
    const copying = sandbox.start(['cp', sparse, 'live:/target/big'])
    await delay(1500)
    copying.child.kill('SIGINT')
    const { exitCode, stderr } = await copying.finished
    assert.equal(exitCode, 130, stderr)
    assert.deepEqual(readdirSync(join(await upper('live'), 'target')), [])
  })

  test('a reader that has seen enough ends it quietly', async () => {
    const program = `${sandbox.program} cp live:/bin/busybox - | head -c 10 | wc -c; :`
    const { stdout, stderr } = await sandbox.run(['-c', program], { program: 'sh' })
    assert.equal(stdout.trim(), '10')
    assert.equal(stderr, '')
  })

  // CVE-2018-15664: the container swapped a directory for a link to / between check and use.
  // b3 43.
  test('a container that swaps directories for links all the time reaches nothing of the host', async () => {
    mkdirSync(local('canaries/sub'), { recursive: true })
    const canary = local('canaries/sub/file')
    writeFileSync(canary, 'untouched')
    const before = statSync(canary)
    const loop = [
      `mkdir -p /race/a${sandbox.directory}/canaries/sub /race/trap`,
      `ln -s ${sandbox.directory}/canaries /race/link`,
      'cd /race; mkdir d; mkdir d/sub',
      // Each name is now a directory, now a link to the host's path.
      'while :; do mv d e; mv link d; mv d link; mv e d; mv d/sub d/x; ln -s ' +
        `${sandbox.directory}/canaries/sub d/sub; rm d/sub; mv d/x d/sub; done`,
    ].join('\n')
    const flags = ['--name', 'racer', '--network', 'none']
    await succeeds('run', '-d', ...flags, 'busybox', 'sh', '-c', loop)
    mkdirSync(local('payload/sub'), { recursive: true })
    writeFileSync(local('payload/sub/file'), 'attack')
    const archive = execFileSync('tar', ['-C', local('payload'), '-cf', '-', 'sub/file'])
    const until = Date.now() + 12_000
    let count = 0
    while (Date.now() < until) {
      await Promise.all([
        sandbox.run(['cp', `${local('payload')}/.`, 'racer:/race/d']),
        sandbox.run(['cp', local('payload/sub/file'), 'racer:/race/d/sub/file']),
        piped(['cp', '-', 'racer:/race/d'], archive),
        sandbox.run(['cp', 'racer:/race/d/sub/file', local('raced')]),
        sandbox.run(['cp', 'racer:/race/d', local('raced-tree')]),
      ])
      count += 1
      // A link that is copied is a link; what is no link came from the container.
      for (const path of [local('raced'), local('raced-tree/sub/file')]) {
        const isOwn =
          existsSync(path) &&
          realpathSync(path) === realpathSync(local()) + path.slice(local().length)
        if (isOwn) assert.equal(readFileSync(path, 'utf8'), 'attack')
      }
      rmSync(local('raced-tree'), { recursive: true, force: true })
      rmSync(local('raced'), { force: true })
    }
    assert.ok(count > 0)
    assert.equal(readFileSync(canary, 'utf8'), 'untouched')
    const now = statSync(canary)
    assert.deepEqual([now.mtimeMs, now.ino, now.uid], [before.mtimeMs, before.ino, before.uid])
    assert.deepEqual(readdirSync(local('canaries')), ['sub'])
    assert.deepEqual(readdirSync(local('canaries/sub')), ['file'])
  })
})
