import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { runTsctr } from '../../helpers/run-tsctr.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tsctr-info-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

const dataRoot = join(scratch, 'data')
const info = (args: readonly string[], env: NodeJS.ProcessEnv = process.env) =>
  runTsctr(['--data-root', dataRoot, '--state-root', join(scratch, 'state'), 'info', ...args], {
    env,
  })

function program(name: string, version: string): void {
  writeFileSync(join(scratch, name), `#!/bin/sh\necho ${name} version ${version}\n`, {
    mode: 0o755,
  })
}

describe('info', () => {
  test('fills the fields that scripts read, and makes no store', () => {
    const { exitCode, stdout } = info(['--format', 'json'])
    assert.equal(exitCode, 0)
    const found = JSON.parse(stdout)
    const isUnified = statfsSync('/sys/fs/cgroup').type === 0x63677270
    assert.equal(found.CgroupVersion, isUnified ? '2' : '1')
    assert.equal(found.CgroupDriver, 'cgroupfs')
    assert.equal(found.Driver, 'overlayfs')
    assert.equal(found.DockerRootDir, dataRoot)
    assert.equal(found.Containers, 0)
    assert.match(found.ServerVersion, /^\d+\.\d+\.\d+$/)
    assert.equal(existsSync(dataRoot), false)
    // Docker's, by the kinds of their values.
    const kinds = {
      ...{ ContainersRunning: 'number', ContainersPaused: 'number', ContainersStopped: 'number' },
      ...{ Images: 'number', NCPU: 'number', MemTotal: 'number', SystemTime: 'string' },
      ...{
        MemoryLimit: 'boolean',
        SwapLimit: 'boolean',
        CpuCfsQuota: 'boolean',
        CPUSet: 'boolean',
      },
      ...{ PidsLimit: 'boolean', OomKillDisable: 'boolean', IndexServerAddress: 'string' },
      ...{ OperatingSystem: 'string', KernelVersion: 'string', Name: 'string', Debug: 'boolean' },
    }
    for (const [name, kind] of Object.entries(kinds)) assert.equal(typeof found[name], kind, name)
    assert.equal(found.OomKillDisable, !isUnified)
    assert.deepEqual(found.Plugins.Volume, ['local'])
    assert.equal(found.Swarm.LocalNodeState, 'inactive')
    assert.ok(Math.abs(Date.parse(found.SystemTime) - Date.now()) < 60_000)
  })

  test('takes a template', () => {
    const { stdout } = info(['-f', '{{.Driver}} on {{.OSType}}'])
    assert.equal(stdout, 'overlayfs on linux\n')
  })

  // Fault list, b3 45.
  test('warns on stderr of a runc with known faults', () => {
    program('conmon', '2.1.6')
    const env = { ...process.env, PATH: `${scratch}:${process.env.PATH}` }
    program('runc', '1.1.5')
    const old = info([], env)
    assert.match(old.stdout, /^ runc version: 1\.1\.5$/m)
    assert.match(old.stderr, /^WARNING: runc 1\.1\.5: .*CVE-2025-31133/m)
    program('runc', '1.3.3')
    assert.doesNotMatch(info([], env).stderr, /CVE/)
  })
})
