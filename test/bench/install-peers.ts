import { type ExecFileSyncOptions, execFileSync, spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

const packages = ['podman', 'docker.io', 'containerd', 'containernetworking-plugins']

/** Packages start their services when installed, unless this program forbids it. Source: invoke-rc.d(8) */
const policyPath = '/usr/sbin/policy-rc.d'

/** Install the peers from Debian's packages. None of their services runs then, nor at the next boot. */
export async function installPeers(): Promise<void> {
  const missing = packages.filter((name) => !isInstalled(name))
  if (missing.length === 0) return
  console.error(`bench: installing ${missing.join(' ')}`)
  const isOurs = !existsSync(policyPath)
  if (isOurs) writeFileSync(policyPath, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const aptGet = ['-o', 'DPkg::Lock::Timeout=300', '-qq']
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'l' }
    const options: ExecFileSyncOptions = { env: environment, stdio: ['ignore', 2, 2] }
    // A broken extra source must not stop the rest; what is really missing fails in the next step.
    spawnSync('apt-get', [...aptGet, 'update'], options)
    const install = ['install', '--no-install-recommends', '--no-remove', ...missing]
    execFileSync('apt-get', [...aptGet, ...install], options)
  } finally {
    if (isOurs) rmSync(policyPath)
  }
  const enabled = unitsOf(missing).filter(isEnabled)
  if (enabled.length > 0) execFileSync('systemctl', ['--quiet', 'disable', ...enabled])
}

function isInstalled(name: string): boolean {
  const { stdout } = spawnSync('dpkg-query', ['--status', name], { encoding: 'utf8' })
  return stdout.includes('Status: install ok installed')
}

function unitsOf(installed: readonly string[]): string[] {
  const files = execFileSync('dpkg', ['-L', ...installed], { encoding: 'utf8' }).split('\n')
  return files
    .filter((path) => /\/systemd\/system\/[^/]+\.(service|socket|timer)$/.test(path))
    .map((path) => basename(path))
}

function isEnabled(service: string): boolean {
  return spawnSync('systemctl', ['--quiet', 'is-enabled', service]).status === 0
}
