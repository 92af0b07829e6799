import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MNT_DETACH, mount, umount2 } from '../../src/host/libc.ts'

/**
 * What a test may need of the machine. Each function returns the reason to skip, or false where
 * the machine has it, so a test reads `{ skip: needsContainers() }`. The answers come from trying.
 */
export type SkipReason = string | false

export const needsRoot = once((): SkipReason => (process.getuid?.() === 0 ? false : 'needs root'))

/** The named programs, looked up in PATH. */
export function needsPrograms(...names: readonly string[]): SkipReason {
  const missing = names.filter(
    (name) => failure('sh', ['-c', 'command -v "$0"', name]) !== undefined,
  )
  return missing.length === 0 ? false : `needs ${missing.join(', ')}`
}

export const needsRegistry = once(
  (): SkipReason => needsPrograms('docker-registry', 'setpriv', 'apt-get'),
)

export const needsOverlay = once((): SkipReason => {
  if (needsRoot() !== false) return needsRoot()
  return inTrialDir((dir) => {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(dir, name))
    const merged = join(dir, 'merged')
    try {
      const options = `lowerdir=${dir}/lower,upperdir=${dir}/upper,workdir=${dir}/work`
      mount('overlay', merged, 'overlay', 0, options)
      umount2(merged, MNT_DETACH)
      return false
    } catch (error) {
      return `needs overlay mounts: ${(error as Error).message}`
    }
  })
})

/** Network namespaces, bridges and nftables, tried inside a namespace that ends with the trial. */
export const needsNetwork = once((): SkipReason => {
  const missing = needsRoot() || needsPrograms('ip', 'nft', 'unshare')
  if (missing !== false) return missing
  const trial = 'ip link add trial type bridge && nft add table inet trial'
  const reason = failure('unshare', ['--net', 'sh', '-c', trial])
  return reason === undefined ? false : `needs bridges and nftables: ${reason}`
})

/** A kernel that translates addresses of IPv6. */
export const needsIpv6 = once((): SkipReason => {
  const trial = `ip addr add fd00::1/128 dev lo nodad && nft 'add table inet t; add map inet t m { type inet_service : ipv6_addr; }'`
  const reason = failure('unshare', ['--net', 'sh', '-c', trial])
  return reason === undefined ? false : `needs IPv6: ${reason}`
})

/** Interfaces of this type on top of another. */
export function needsInterfaces(type: 'macvlan' | 'ipvlan'): SkipReason {
  const trial = `ip link add one type veth peer name two && ip link add three link one type ${type}`
  const reason = failure('unshare', ['--net', 'sh', '-c', trial])
  return reason === undefined ? false : `needs ${type}: ${reason}`
}

/** Overlay, runc and conmon; a container is run to see whether it works. */
export const needsContainers = once((): SkipReason => {
  const missing = needsOverlay() || needsPrograms('runc', 'conmon', 'busybox')
  if (missing !== false) return missing
  return inTrialDir((dir) => {
    mkdirSync(join(dir, 'rootfs/bin'), { recursive: true })
    writeFileSync(join(dir, 'rootfs/bin/true'), '', { mode: 0o755 })
    const program = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
    writeFileSync(join(dir, 'rootfs/bin/true'), readFileSync(program))
    const reason =
      failure('runc', ['spec', '--bundle', dir]) ??
      failure('sh', ['-c', trialRun, dir, `trial-${process.pid}`])
    return reason === undefined ? false : `needs containers: ${reason}`
  })
})

// The state lies in the trial directory too: nothing is left in /run/runc.
const trialRun = `
  sed -i 's/"terminal": true/"terminal": false/; s/"sh"/"true"/' "$0/config.json"
  exec runc --root "$0/state" run --bundle "$0" "$1"`

function inTrialDir(trial: (dir: string) => SkipReason): SkipReason {
  const dir = mkdtempSync(join(tmpdir(), 'tsctr-trial-'))
  try {
    return trial(dir)
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Why a program failed, in one line; undefined when it did not. */
function failure(program: string, args: readonly string[]): string | undefined {
  try {
    execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe', timeout: 60_000 })
    return undefined
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1)
    return said || (error as Error).message.split('\n')[0] || program
  }
}

function once(find: () => SkipReason): () => SkipReason {
  let reason: SkipReason | undefined
  return () => {
    reason ??= find()
    return reason
  }
}
