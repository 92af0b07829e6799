import type { HostFacts } from '../../host/host-facts.ts'
import type { ImageProcessConfig } from '../../oci/image-config.ts'
import type { ContainerConfig } from '../config.ts'
import type { RootDirectory } from './root-directory.ts'

/** All that `config.json` is made of. */
export interface SpecInput {
  readonly config: ContainerConfig
  readonly image: ImageProcessConfig
  /** 64 hex digits. */
  readonly containerId: string
  /** The mounted root filesystem, as the runtime finds it. */
  readonly rootfsPath: string
  /** The same, opened: users and groups are looked up in it. */
  readonly root: RootDirectory
  /** A prepared network namespace, ours or somebody else's; the host's; or a new one, empty but for `lo`. */
  readonly network: PreparedNetwork | 'host' | 'none'
  /** Namespaces of other containers. */
  readonly peers?: PeerNamespaces | undefined
  /** A tmpfs on the host for /dev/shm, which other containers may share. */
  readonly sharedMemory?: string | undefined
  /** Files on the host that stand in the container's /etc. */
  readonly files: EtcFiles
  readonly facts: HostFacts
}

export interface PreparedNetwork {
  readonly path: string
  /** Its settings are not ours to change. */
  readonly isForeign?: boolean | undefined
}

/** Paths of namespaces, for `container:` modes. */
export interface PeerNamespaces {
  readonly pid?: string | undefined
  readonly ipc?: string | undefined
}

export interface EtcFiles {
  readonly hosts?: string | undefined
  readonly hostname?: string | undefined
  readonly resolvConf?: string | undefined
}
