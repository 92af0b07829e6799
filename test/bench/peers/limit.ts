import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../run-command.ts'
import type { Peer, Trial, Trials, Workspace } from './peer.ts'
import { isInstalled, versionOf } from './program-version.ts'
import { layerFilesOf } from './registry-layers.ts'

/**
 * What no engine can be faster than: runc alone on a directory that is already there, gzip and tar
 * without a network, Node without a program.
 */
export async function startLimit(workspace: Workspace): Promise<Peer> {
  const { diskDir, tmpfsDir, registryHost, registryStorage } = workspace
  const layers = await layerFilesOf(registryHost, registryStorage, 'library/redis', 'alpine')
  return {
    name: 'limit',
    versions: [`node ${process.version.slice(1)}`, versionOf('tar', 'tar')],
    trials: {
      ...(await runcTrials(diskDir)),
      'pull-tmpfs': unpackTrial(join(tmpfsDir, 'unpacked'), layers),
      'pull-disk': unpackTrial(join(diskDir, 'unpacked'), layers),
      images: { command: [workspace.program, 'version'], note: '`tsctr version`' },
      version: { command: [process.execPath, '-e', '0'], note: '`node -e 0`' },
    },
  }
}

async function runcTrials(dir: string): Promise<Trials> {
  const runc = ['runc', '--root', join(dir, 'state')]
  const once = await makeBundle(join(dir, 'once'), ['true'])
  const idle = await makeBundle(join(dir, 'idle'), ['sleep', '100000'])
  const startIdle = (name: string) => [...runc, 'run', '-d', '--bundle', idle, name]
  return {
    'run-none': { command: [...runc, 'run', '--bundle', once, 'once'], note: '`runc run`' },
    exec: {
      async setUp() {
        await runCommand(startIdle('entered'))
      },
      command: [...runc, 'exec', 'entered', 'true'],
      note: '`runc exec`',
      async tearDown() {
        await runCommand([...runc, 'delete', '-f', 'entered'])
      },
    },
    rm: {
      before: [startIdle('doomed')],
      command: [...runc, 'delete', '-f', 'doomed'],
      note: '`runc delete -f`',
    },
  }
}

/** A directory with busybox in it and the configuration that `runc spec` proposes. */
async function makeBundle(dir: string, args: readonly string[]): Promise<string> {
  const bin = join(dir, 'rootfs/bin')
  mkdirSync(bin, { recursive: true })
  await runCommand(['sh', '-c', 'exec cp "$(command -v busybox)" "$0/busybox"', bin])
  for (const applet of ['true', 'sleep'])
    await runCommand(['ln', '-s', 'busybox', join(bin, applet)])
  await runCommand(['runc', 'spec', '--bundle', dir])
  const configPath = join(dir, 'config.json')
  const config = JSON.parse(await runCommand(['cat', configPath]))
  config.process.terminal = false
  config.process.args = args
  config.linux.cgroupsPath = `/tsctr-bench/${args[0]}`
  writeFileSync(configPath, JSON.stringify(config))
  return dir
}

function unpackTrial(dir: string, layers: readonly string[]): Trial {
  const gzip = isInstalled('pigz') ? 'pigz' : 'gzip'
  const unpack = `mkdir "$0" && for layer; do ${gzip} -dc "$layer" | tar -xC "$0" || exit; done`
  return {
    before: [['rm', '-rf', dir], ['sync']],
    command: ['sh', '-c', unpack, dir, ...layers],
    note: `\`${gzip} -dc \\| tar x\``,
  }
}
