import { join } from 'node:path'

/** Files of one container under the data root: they survive a reboot. */
export interface ContainerFiles {
  readonly directory: string
  readonly hostname: string
  readonly hosts: string
  readonly resolvConf: string
  readonly log: string
  /** Written by conmon when the container's process ends: its exit code as text. */
  readonly exit: string
  /** Left empty by conmon when the kernel has killed for want of the container's memory. */
  readonly oom: string
  /** Held while the container's life is changed. */
  readonly lock: string
}

/** Paths only; nothing is made. */
export function containerFiles(dataRoot: string, containerId: string): ContainerFiles {
  const directory = join(dataRoot, 'containers', containerId)
  return {
    directory,
    hostname: join(directory, 'hostname'),
    hosts: join(directory, 'hosts'),
    resolvConf: join(directory, 'resolv.conf'),
    log: join(directory, 'log'),
    exit: join(directory, 'exit'),
    oom: join(directory, 'oom'),
    lock: join(directory, 'lock'),
  }
}
