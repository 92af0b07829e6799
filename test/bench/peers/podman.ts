import { join } from 'node:path'
import { runCommand } from '../run-command.ts'
import {
  archiveTrials,
  dockerLikeMemory,
  dockerLikeTrials,
  imagesTrial,
  pullTrial,
  pushTrial,
} from './docker-like.ts'
import type { Peer, Workspace } from './peer.ts'
import { isInstalled, versionOf } from './program-version.ts'

/** Elsewhere than on port 80, podman tries HTTPS alone. */
const plainHttp = ['--tls-verify=false']

export async function startPodman(workspace: Workspace): Promise<Peer | undefined> {
  if (!isInstalled('podman')) return undefined
  const { diskDir, tmpfsDir, registryHost } = workspace
  const cli = {
    command: commandAt(diskDir),
    busybox: `${registryHost}/library/busybox`,
    // Without it, podman sends SIGTERM and waits, which no `sleep` as process 1 hears.
    rmOptions: ['-t', '0'],
  }
  await runCommand([...cli.command, 'pull', ...plainHttp, cli.busybox])
  const redis = `${registryHost}/library/redis:alpine`
  const large = `${registryHost}/library/large`
  return {
    name: 'podman',
    versions: [versionOf('podman', 'podman')],
    trials: {
      ...dockerLikeTrials(cli),
      'pull-tmpfs': pullTrial(commandAt(join(tmpfsDir, 'pull')), redis, plainHttp),
      'pull-disk': pullTrial(commandAt(join(diskDir, 'pull')), redis, plainHttp),
      'pull-large': pullTrial(commandAt(join(tmpfsDir, 'large')), large, plainHttp),
      'pull-peak': pullTrial(commandAt(join(tmpfsDir, 'large')), large, plainHttp),
      ...archiveTrials(cli.command, redis, join(diskDir, 'redis.tar'), plainHttp),
      push: pushTrial(cli.command, redis, workspace, plainHttp),
      'push-large': pushTrial(commandAt(join(tmpfsDir, 'large')), large, workspace, plainHttp),
      'push-peak': pushTrial(commandAt(join(tmpfsDir, 'large')), large, workspace, plainHttp),
      images: imagesTrial(commandAt(join(diskDir, 'many')), join(diskDir, 'many.tar')),
    },
    memory: dockerLikeMemory(cli, []),
  }
}

function commandAt(dir: string): string[] {
  return [
    'podman',
    ...['--root', join(dir, 'root'), '--runroot', join(dir, 'run')],
    ...['--runtime', 'runc', '--cgroup-manager', 'cgroupfs'],
  ]
}
