import { join } from 'node:path'

/** Where things of one running container lie under the state root. Source: OCI runtime-spec §bundle.md */
export interface Bundle {
  readonly directory: string
  readonly config: string
  readonly rootfs: string
  /** A tmpfs for /dev/shm, where other containers may share it. */
  readonly sharedMemory: string
  /** Parts of volumes that are mounted in the container are mounted in it, by number, too. */
  readonly subpaths: string
  /** A network namespace made by tsctr is bound here. */
  readonly netns: string
  readonly monitorPidFile: string
  readonly processPidFile: string
  /** conmon's SOCK_SEQPACKET socket. */
  readonly attachSocket: string
  /** conmon's FIFO for terminal sizes. */
  readonly controlFifo: string
}

/** Paths only; nothing is made. */
export function bundleOf(stateRoot: string, namespace: string, containerId: string): Bundle {
  return bundleIn(join(stateRoot, namespace, containerId))
}

/** The same for any directory: an exec with a conmon of its own has one too. */
export function bundleIn(directory: string): Bundle {
  return {
    directory,
    config: join(directory, 'config.json'),
    rootfs: join(directory, 'rootfs'),
    sharedMemory: join(directory, 'shm'),
    subpaths: join(directory, 'subpaths'),
    netns: join(directory, 'netns'),
    monitorPidFile: join(directory, 'conmon.pid'),
    processPidFile: join(directory, 'ctr.pid'),
    attachSocket: join(directory, 'attach'),
    controlFifo: join(directory, 'ctl'),
  }
}
