import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { needsPrograms, needsRoot, type SkipReason } from './capabilities.ts'

/**
 * The root of a small Debian with what tsctr runs containers with, and neither Node nor anything of
 * this checkout. It is made once and kept in build/.
 */
const archive = join(import.meta.dirname, '../../build/bare-root.tar')
const packages = ['runc', 'conmon', 'iproute2', 'nftables', 'ca-certificates', 'busybox-static']
const leftOut = ['doc', 'info', 'locale', 'man', 'i18n', 'zoneinfo']

/** Why there can be no such root here; makes the archive if it is missing. */
export function needsBareRoot(): SkipReason {
  if (needsRoot() !== false) return needsRoot()
  if (existsSync(archive)) return false
  const missing = needsPrograms('mmdebstrap')
  if (missing !== false) return missing
  try {
    makeArchive()
    return false
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr ?? error)
    return `needs Debian packages: ${said.trim().split('\n').at(-1)}`
  }
}

/** Unpack the root into a directory. */
export function unpackBareRoot(directory: string): void {
  execFileSync('tar', ['-xf', archive, '-C', directory, '--exclude=./dev/*', '--numeric-owner'])
}

function makeArchive(): void {
  mkdirSync(join(archive, '..'), { recursive: true })
  const unfinished = `${archive}.new-${process.pid}.tar`
  execFileSync(
    'mmdebstrap',
    [
      '--quiet',
      '--variant=apt',
      `--include=${packages.join(',')}`,
      ...leftOut.map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
      hostSuite(),
      unfinished,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], timeout: 300_000 },
  )
  renameSync(unfinished, archive)
}

function hostSuite(): string {
  const found = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  return found ?? 'bookworm'
}
