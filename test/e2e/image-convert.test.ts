import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { needsContainers, needsPrograms, needsRegistry } from '../helpers/capabilities.ts'
import { createSandbox, type Sandbox } from '../helpers/cli.ts'
import { describeTree } from '../helpers/describe-tree.ts'
import { writeLayout } from '../helpers/oci-layout.ts'
import { startRegistry } from '../helpers/registry.ts'

const skip = needsContainers() || needsRegistry()

interface Inspected {
  readonly Id: string
  readonly RootFS: { readonly Layers: readonly string[] }
  readonly Descriptor: { readonly digest: string; readonly mediaType: string }
}

describe('tsctr image convert', { skip }, () => {
  let registry: RunningRegistry
  let sandbox: Sandbox

  before(async () => {
    registry = await startRegistry()
    sandbox = createSandbox()
    sandbox.useRegistry(registry.host)
    await succeeds('pull', '-q', 'redis:alpine')
  })

  after(async () => {
    sandbox.cleanup()
    await registry.stop()
  })

  async function succeeds(...args: string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout
  }

  async function inspect(image: string): Promise<Inspected> {
    return JSON.parse(await succeeds('image', 'inspect', image))[0]
  }

  test('each form has the old id and diffIDs, runs, and is what the registry and skopeo get', {
    skip: needsPrograms('skopeo'),
  }, async () => {
    const before = await inspect('redis:alpine')
    for (const [tag, ...flags] of [
      ['zstd', '--zstd'],
      ['zstd19', '--zstd-compression-level', '12'],
      ['plain', '--oci', '--uncompress'],
      ['docker', '--docker', '--gzip'],
      ['oci', '--oci'],
    ]) {
      const name = `${registry.host}/made/${tag}:1`
      const digest = (await succeeds('image', 'convert', ...flags, 'redis:alpine', name)).trim()
      const after = await inspect(name)
      assert.equal(after.Id, before.Id)
      assert.deepEqual(after.RootFS, before.RootFS)
      assert.equal(after.Descriptor.digest, digest)
      await succeeds('push', '-q', name)
      const raw = execFileSync('skopeo', [
        'inspect',
        '--tls-verify=false',
        '--raw',
        `docker://${name}`,
      ])
      assert.equal(
        execFileSync('sha256sum', { input: raw }).toString().slice(0, 64),
        digest.slice(7),
      )
      const copy = join(sandbox.directory, `copy-${tag}`)
      const from = ['--src-tls-verify=false', `docker://${name}`]
      execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', '--all', ...from, `dir:${copy}`])
      await succeeds('rmi', '-f', name)
      await succeeds('run', '--rm', '--network', 'none', '--entrypoint', 'true', name)
    }
  })

  test('umoci unpacks the same tree of it', { skip: needsPrograms('umoci') }, async () => {
    await succeeds('image', 'convert', '--oci', '--gzip', 'redis:alpine', 'gzipped')
    await succeeds('image', 'convert', '--oci', '--uncompress', 'redis:alpine', 'bare')
    const trees = []
    for (const name of ['gzipped', 'bare']) {
      const [layout, bundle] = ['layout', 'bundle'].map((what) =>
        join(sandbox.directory, `${what}-${name}`),
      ) as [string, string]
      const { Descriptor } = await inspect(name)
      writeLayout(sandbox.dataRoot, await manifestOf(Descriptor), layout)
      execFileSync('umoci', ['unpack', '--image', `${layout}:latest`, bundle])
      trees.push([...describeTree(join(bundle, 'rootfs')).keys()])
    }
    assert.deepEqual(trees[0], trees[1])
  })

  /** The manifest itself, or the only one of an index. */
  async function manifestOf(target: Inspected['Descriptor']): Promise<Inspected['Descriptor']> {
    const path = join(sandbox.dataRoot, 'content/blobs/sha256', target.digest.slice(7))
    const { manifests } = JSON.parse(readFileSync(path, 'utf8'))
    return manifests === undefined ? target : manifests[0]
  }

  test('what cannot be is refused in one line', async () => {
    for (const [args, message] of [
      [['redis:alpine', 'x'], /^tsctr: image convert: nothing to change\nhint: give --oci/],
      [['--oci', '--docker', 'redis:alpine', 'x'], /--oci and --docker exclude each other/],
      [['--docker', '--zstd', 'redis:alpine', 'x'], /--docker and --zstd exclude each other/],
      [['--gzip', '--uncompress', 'redis:alpine', 'x'], /--gzip and --uncompress exclude/],
      [['--zstd-compression-level', '23', 'redis:alpine', 'x'], /--zstd-compression-level "23"/],
      [['--oci', 'no-such', 'x'], /^tsctr: image no-such: no such image/],
      [['--oci', 'redis:alpine', 'UPPER'], /UPPER/],
      [
        ['--oci', '--platform', 'linux/s390x', 'redis:alpine', 'x'],
        /not here for platform linux\/s390x/,
      ],
    ] as const) {
      const { stdout, stderr, exitCode } = await sandbox.run(['image', 'convert', ...args])
      assert.equal(exitCode, 1, stderr)
      assert.equal(stdout, '')
      assert.match(stderr, message)
    }
    assert.equal(await succeeds('images', '-q', 'x'), '')
  })
})
