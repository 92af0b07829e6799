import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../run-command.ts'
import { childrenOf, type Daemon, startDaemon } from './daemon.ts'
import {
  archiveTrials,
  dockerLikeMemory,
  dockerLikeTrials,
  imagesTrial,
  pullTrial,
  pushTrial,
} from './docker-like.ts'
import type { Peer, Trial, Workspace } from './peer.ts'
import { isInstalled, versionOf } from './program-version.ts'

/** dockerd, the containerd that it starts for itself, and the docker command. */
export async function startDocker(workspace: Workspace): Promise<Peer | undefined> {
  if (!isInstalled('docker') || !isInstalled('dockerd')) return undefined
  const { diskDir, tmpfsDir, registryHost } = workspace
  const daemon = await startDockerd(diskDir, [])
  const cli = { command: commandOf(diskDir), busybox: `${registryHost}/library/busybox` }
  await runCommand([...cli.command, 'pull', cli.busybox])
  const redis = `${registryHost}/library/redis:alpine`
  return {
    name: 'docker',
    versions: [versionOf('docker', 'dockerd'), versionOf('docker command', 'docker')],
    trials: {
      ...dockerLikeTrials(cli),
      'pull-tmpfs': pullBy(join(tmpfsDir, 'pull'), redis),
      'pull-disk': pullBy(join(diskDir, 'pull'), redis),
      'pull-large': pullBy(join(tmpfsDir, 'large'), `${registryHost}/library/large`),
      ...archiveTrials(cli.command, redis, join(diskDir, 'redis.tar')),
      push: pushTrial(cli.command, redis, workspace),
      'push-large': pushTrial(cli.command, `${registryHost}/library/large`, workspace),
      images: imagesTrial(cli.command, join(diskDir, 'many.tar')),
    },
    memory: dockerLikeMemory(cli, [daemon.pid, ...childrenOf(daemon.pid)]),
  }
}

/** A dockerd has one store: each pull row gets a dockerd of its own. */
function pullBy(dir: string, redis: string): Trial {
  const trial = pullTrial(commandOf(dir), redis)
  let daemon: Daemon | undefined
  return {
    ...trial,
    async setUp() {
      // Two must not quarrel over docker0 and its rules.
      daemon = await startDockerd(dir, ['--bridge', 'none', '--iptables=false'])
      await trial.setUp?.()
    },
    async tearDown() {
      await daemon?.stop()
    },
  }
}

function commandOf(dir: string): string[] {
  return ['docker', '-H', socketOf(dir)]
}

function socketOf(dir: string): string {
  return `unix://${join(dir, 'docker.sock')}`
}

function startDockerd(dir: string, options: readonly string[]): Promise<Daemon> {
  mkdirSync(dir, { recursive: true })
  const command = [
    'dockerd',
    ...['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'exec')],
    ...['--pidfile', join(dir, 'dockerd.pid'), '-H', socketOf(dir)],
    ...['--insecure-registry', '127.0.0.0/8', ...options],
  ]
  return startDaemon(command, { dir, ready: [...commandOf(dir), 'version'] })
}
