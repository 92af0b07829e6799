import { join } from 'node:path'
import { writeHostsToml } from '../../../fixtures/hosts-toml.ts'
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
import { versionOf } from './program-version.ts'

export async function startTsctr(workspace: Workspace): Promise<Peer> {
  const { diskDir, tmpfsDir, registryHost, program } = workspace
  const large = `${registryHost}/library/large`
  const hostsDir = join(diskDir, 'hosts')
  writeHostsToml(hostsDir, registryHost)
  const commandAt = (dir: string) => [
    program,
    ...['--data-root', join(dir, 'lib'), '--state-root', join(dir, 'run'), '--hosts-dir', hostsDir],
  ]
  const cli = { command: commandAt(diskDir), busybox: 'busybox' }
  await runCommand([...cli.command, 'pull', cli.busybox])
  return {
    name: 'tsctr',
    versions: [
      versionOf('tsctr', program),
      versionOf('runc', 'runc'),
      versionOf('conmon', 'conmon'),
    ],
    trials: {
      ...dockerLikeTrials(cli),
      'pull-tmpfs': pullTrial(commandAt(join(tmpfsDir, 'pull')), 'redis:alpine'),
      'pull-disk': pullTrial(commandAt(join(diskDir, 'pull')), 'redis:alpine'),
      'pull-large': pullTrial(commandAt(join(tmpfsDir, 'large')), large),
      'pull-peak': pullTrial(commandAt(join(tmpfsDir, 'large')), large),
      ...archiveTrials(cli.command, 'redis:alpine', join(diskDir, 'redis.tar')),
      push: pushTrial(cli.command, 'redis:alpine', workspace),
      'push-large': pushTrial(commandAt(join(tmpfsDir, 'large')), large, workspace),
      'push-peak': pushTrial(commandAt(join(tmpfsDir, 'large')), large, workspace),
      images: imagesTrial(commandAt(join(diskDir, 'many')), join(diskDir, 'many.tar')),
      version: { command: [program, 'version'] },
    },
    memory: dockerLikeMemory(cli, []),
  }
}
