import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { containersOfPs } from '../rows.ts'
import { type Command, runCommand } from '../run-command.ts'
import { type Daemon, startDaemon } from './daemon.ts'
import type { Peer, Trial, Trials, Workspace } from './peer.ts'
import { isInstalled, versionOf } from './program-version.ts'

const idle = ['sleep', '100000']

/** containerd with its own test command: no bridge, and no single command for `rm -f`. */
export async function startCtr(workspace: Workspace): Promise<Peer | undefined> {
  if (!isInstalled('containerd') || !isInstalled('ctr')) return undefined
  const { diskDir, tmpfsDir, registryHost } = workspace
  const daemon = await startContainerd(diskDir)
  const ctr = commandOf(diskDir)
  const busybox = `${registryHost}/library/busybox:latest`
  await runCommand([...ctr, 'images', 'pull', '--plain-http', busybox])
  const redis = `${registryHost}/library/redis:alpine`
  return {
    name: 'ctr',
    versions: [versionOf('containerd', 'containerd')],
    trials: {
      ...containerTrials(ctr, busybox),
      'pull-tmpfs': pullBy(join(tmpfsDir, 'pull'), redis),
      'pull-disk': pullBy(join(diskDir, 'pull'), redis),
      'pull-large': pullBy(join(tmpfsDir, 'large'), `${registryHost}/library/large:latest`),
      ...archiveTrials(ctr, redis, join(diskDir, 'redis.tar')),
    },
    memory: {
      async start() {
        await runCommand([...ctr, 'run', '-d', busybox, 'idle', ...idle])
        const tasks = await runCommand([...ctr, 'tasks', 'ls'])
        return Number(/^idle\s+(\d+)/m.exec(tasks)?.[1])
      },
      daemonPids: [daemon.pid],
      remove: () => removeRunning(ctr, 'idle'),
    },
  }
}

function containerTrials(ctr: Command, busybox: string): Trials {
  const names = Array.from({ length: containersOfPs }, (_, index) => `listed-${index}`)
  return {
    'run-none': { command: [...ctr, 'run', '--rm', busybox, 'once', 'true'] },
    exec: {
      async setUp() {
        await runCommand([...ctr, 'run', '-d', busybox, 'entered', ...idle])
      },
      command: [...ctr, 'tasks', 'exec', '--exec-id', 'once', 'entered', 'true'],
      tearDown: () => removeRunning(ctr, 'entered'),
    },
    ps: {
      async setUp() {
        for (const name of names) {
          await runCommand([...ctr, 'containers', 'create', busybox, name, 'true'])
        }
      },
      command: [...ctr, 'containers', 'ls'],
      async tearDown() {
        await runCommand([...ctr, 'containers', 'rm', ...names])
      },
    },
  }
}

async function removeRunning(ctr: Command, name: string): Promise<void> {
  await runCommand([...ctr, 'tasks', 'rm', '-f', name])
  await runCommand([...ctr, 'containers', 'rm', name])
}

function pullBy(dir: string, redis: string): Trial {
  const ctr = commandOf(dir)
  const pull = [...ctr, 'images', 'pull', '--plain-http', redis]
  let daemon: Daemon | undefined
  return {
    async setUp() {
      daemon = await startContainerd(dir)
      await runCommand(pull)
    },
    before: [[...ctr, 'images', 'rm', '--sync', redis], ['sync']],
    command: pull,
    async tearDown() {
      await daemon?.stop()
    },
  }
}

function archiveTrials(
  ctr: Command,
  redis: string,
  archive: string,
): Pick<Trials, 'save' | 'load'> {
  const pull = [...ctr, 'images', 'pull', '--plain-http', redis]
  const save = [...ctr, 'images', 'export', archive, redis]
  return {
    save: {
      setUp: async () => void (await runCommand(pull)),
      before: [['rm', '-f', archive], ['sync']],
      command: save,
      note: '`images export`',
    },
    load: {
      async setUp() {
        for (const each of [pull, save]) await runCommand(each)
      },
      before: [[...ctr, 'images', 'rm', '--sync', redis], ['sync']],
      command: [...ctr, 'images', 'import', archive],
      note: '`images import`',
    },
  }
}

function commandOf(dir: string): string[] {
  // The namespace is also the parent of its cgroups.
  return ['ctr', '--address', join(dir, 'containerd.sock'), '--namespace', 'tsctr-bench']
}

function startContainerd(dir: string): Promise<Daemon> {
  mkdirSync(dir, { recursive: true })
  const configPath = join(dir, 'config.toml')
  // Kubernetes' part is of no use here; the rest stays as it comes.
  writeFileSync(configPath, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
  const command = [
    'containerd',
    ...['--config', configPath, '--address', join(dir, 'containerd.sock')],
    ...['--root', join(dir, 'root'), '--state', join(dir, 'state')],
  ]
  return startDaemon(command, { dir, ready: [...commandOf(dir), 'version'] })
}
