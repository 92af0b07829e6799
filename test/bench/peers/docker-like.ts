import { join } from 'node:path'
import { writeManyImages } from '../many-images.ts'
import { containersOfPs, imagesOfList } from '../rows.ts'
import { type Command, runCommand } from '../run-command.ts'
import type { MemoryTrial, Trial, Trials, Workspace } from './peer.ts'

/** A command line that takes docker's commands. */
export interface DockerLike {
  /** The program with its global options. */
  readonly command: Command
  /** Reference of the image as this engine reaches it. */
  readonly busybox: string
  /** Further options that make `rm -f` send SIGKILL at once, as docker's does. */
  readonly rmOptions?: readonly string[]
}

const idle = ['sleep', '100000']

/** The rows that every such command line does in the same words. */
export function dockerLikeTrials(cli: DockerLike): Trials {
  const { busybox, rmOptions = [] } = cli
  const call = (...args: readonly string[]) => [...cli.command, ...args]
  const remove = (...names: readonly string[]) => call('rm', '-f', ...rmOptions, ...names)
  const names = Array.from({ length: containersOfPs }, (_, index) => `listed-${index}`)
  return {
    'run-none': { command: call('run', '--rm', '--network', 'none', busybox, 'true') },
    'run-bridge': { command: call('run', '--rm', busybox, 'true') },
    exec: {
      async setUp() {
        await runCommand(call('run', '-d', '--name', 'entered', busybox, ...idle))
      },
      command: call('exec', 'entered', 'true'),
      async tearDown() {
        await runCommand(remove('entered'))
      },
    },
    rm: {
      before: [call('run', '-d', '--name', 'doomed', busybox, ...idle)],
      command: remove('doomed'),
    },
    ps: {
      async setUp() {
        for (const name of names) await runCommand(call('create', '--name', name, busybox, 'true'))
      },
      command: call('ps', '-a'),
      async tearDown() {
        await runCommand(remove(...names))
      },
    },
  }
}

/**
 * @param redis    reference of the image as this engine reaches it
 * @param options  of `pull`
 */
export function pullTrial(command: Command, redis: string, options: readonly string[] = []): Trial {
  const pull = [...command, 'pull', '-q', ...options, redis]
  return {
    async setUp() {
      await runCommand(pull)
    },
    // What the removal has still to write must not slow the next one down.
    before: [[...command, 'rmi', redis], ['sync']],
    command: pull,
  }
}

/**
 * @param redis    reference of the image as this engine reaches it
 * @param archive  where the engine's own archive of it goes
 * @param options  of `pull`
 */
export function archiveTrials(
  command: Command,
  redis: string,
  archive: string,
  options: readonly string[] = [],
): Pick<Trials, 'save' | 'load'> {
  const pull = [...command, 'pull', '-q', ...options, redis]
  const save = [...command, 'save', '-o', archive, redis]
  // podman changes no archive that is there.
  const clear = ['rm', '-f', archive]
  return {
    save: {
      setUp: async () => void (await runCommand(pull)),
      before: [clear, ['sync']],
      command: save,
    },
    load: {
      async setUp() {
        for (const each of [pull, clear, save]) await runCommand(each)
      },
      before: [[...command, 'rmi', redis], ['sync']],
      command: [...command, 'load', '-q', '-i', archive],
    },
  }
}

/**
 * All is sent each time: another registry than the image's own, with nothing in it.
 *
 * @param image    reference of it as this engine reaches it
 * @param options  what makes `push` speak plain HTTP
 */
export function pushTrial(
  command: Command,
  image: string,
  { emptyRegistryHost, emptyRegistryStorage }: Workspace,
  options: readonly string[] = [],
): Trial {
  const target = `${emptyRegistryHost}/team/app:1`
  return {
    async setUp() {
      await runCommand([...command, 'pull', '-q', ...options, image])
      await runCommand([...command, 'tag', image, target])
    },
    before: [['rm', '-rf', join(emptyRegistryStorage, 'docker')], ['sync']],
    command: [...command, 'push', '-q', ...options, target],
    // Rows that remove the image to be cold would keep its layers.
    tearDown: async () => void (await runCommand([...command, 'rmi', target])),
  }
}

/** Images that differ, in a store that nothing else is in, or of which they are removed. */
export function imagesTrial(command: Command, archive: string): Trial {
  let names: readonly string[] = []
  return {
    async setUp() {
      names = writeManyImages(archive, imagesOfList)
      await runCommand([...command, 'load', '-q', '-i', archive])
    },
    command: [...command, 'images'],
    tearDown: async () => void (await runCommand([...command, 'rmi', ...names])),
  }
}

/** @param daemonPids  processes that serve all containers together */
export function dockerLikeMemory(
  { command, busybox, rmOptions = [] }: DockerLike,
  daemonPids: readonly number[],
): MemoryTrial {
  return {
    async start() {
      await runCommand([...command, 'run', '-d', '--name', 'idle', busybox, ...idle])
      return Number(await runCommand([...command, 'inspect', '-f', '{{.State.Pid}}', 'idle']))
    },
    daemonPids,
    async remove() {
      await runCommand([...command, 'rm', '-f', ...rmOptions, 'idle'])
    },
  }
}
