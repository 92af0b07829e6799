import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunningRegistry } from '../../fixtures/docker-registry.ts'
import { createSandbox, type Sandbox } from './cli.ts'
import { startRegistry } from './registry.ts'

/** A sandbox with the image `busybox` in it, for tests of what containers see. */
export interface RunSandbox extends Sandbox {
  /** Run tsctr, which must succeed. @returns stdout without the last newline */
  succeeds(...args: readonly string[]): Promise<string>
  /** Run tsctr, which must fail with these words on stderr. */
  fails(words: RegExp, ...args: readonly string[]): Promise<void>
  /** Remove all containers of the sandbox, running or not. */
  removeContainers(): Promise<void>
  /** `tsctr run --rm FLAGS busybox sh -c SCRIPT`, which must succeed, without a network unless asked. */
  inside(flags: readonly string[], script: string): Promise<string>
  /** `tsctr run --rm ARGS`, which must fail with 125 in one line and a hint, and leave nothing. */
  refuses(args: readonly string[], words: RegExp): Promise<void>
  close(): Promise<void>
}

export async function createRunSandbox(): Promise<RunSandbox> {
  const registry: RunningRegistry = await startRegistry()
  const sandbox = createSandbox()
  sandbox.useRegistry(registry.host)
  const succeeds = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr, exitCode } = await sandbox.run(args)
    assert.equal(exitCode, 0, `tsctr ${args.join(' ')}: ${stderr}`)
    return stdout.replace(/\n$/, '')
  }
  const close = async (): Promise<void> => {
    sandbox.cleanup()
    await registry.stop()
  }
  try {
    await succeeds('pull', '-q', 'busybox')
  } catch (error) {
    await close()
    throw error
  }
  const network = (flags: readonly string[]): string[] =>
    flags.includes('--network') ? [] : ['--network', 'none']
  return {
    ...sandbox,
    succeeds,
    close,
    fails: async (words, ...args) => {
      const { stderr, exitCode } = await sandbox.run(args)
      assert.notEqual(exitCode, 0, `tsctr ${args.join(' ')}`)
      assert.match(stderr, words)
    },
    removeContainers: async () => {
      const ids = (await succeeds('ps', '-aq')).split('\n').filter(Boolean)
      if (ids.length > 0) await succeeds('rm', '-f', ...ids)
    },
    inside: (flags, script) =>
      succeeds('run', '--rm', ...network(flags), ...flags, 'busybox', 'sh', '-c', script),
    refuses: async (args, words) => {
      const before = containersIn(sandbox)
      const { stdout, stderr, exitCode } = await sandbox.run(['run', '--rm', ...args])
      assert.match(stderr, words)
      assert.match(stderr, /^tsctr: .*\n(hint: .*\n)?$/, 'one line and a hint')
      assert.deepEqual({ stdout, exitCode }, { stdout: '', exitCode: 125 })
      assert.deepEqual(containersIn(sandbox), before)
    },
  }
}

/** What the disk and the kernel hold of containers. */
function containersIn({ dataRoot, stateRoot, directory }: Sandbox): object {
  const names = (path: string): string[] => (existsSync(path) ? readdirSync(path).sort() : [])
  return {
    records: names(join(dataRoot, 'containers')),
    snapshots: names(join(dataRoot, 'snapshots')),
    bundles: names(join(stateRoot, 'default')).filter((name) => name !== '.runtime'),
    mounts: readFileSync('/proc/mounts', 'utf8').split(`${directory}/`).length,
  }
}

/** A disk of this machine: its path and number. */
export function someDisk(): { readonly path: string; readonly number: string } | undefined {
  for (const name of readdirSync('/sys/block')) {
    const path = `/dev/${name}`
    if (!existsSync(path)) continue
    return { path, number: readFileSync(`/sys/block/${name}/dev`, 'ascii').trim() }
  }
  return undefined
}
