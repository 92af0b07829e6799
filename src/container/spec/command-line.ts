import { hostname } from 'node:os'
import type { ImageProcessConfig } from '../../oci/image-config.ts'
import type { ContainerConfig } from '../config.ts'

/**
 * The command line: the entrypoint, then the arguments or the image's Cmd. An entrypoint of the
 * user's drops the image's Cmd, which was written for another program.
 */
export function containerArgs(config: ContainerConfig, image: ImageProcessConfig): string[] {
  const entrypoint = config.entrypoint ?? image.entrypoint ?? []
  const isCmdWanted = config.command.length === 0 && config.entrypoint === undefined
  return [...entrypoint, ...(isCmdWanted ? (image.cmd ?? []) : config.command)]
}

/** `--hostname`, else the host's where its network is shared, else the short id. */
export function containerHostname(config: ContainerConfig, containerId: string): string {
  if (config.hostname !== undefined) return config.hostname
  const isHosts = config.networkMode === 'host' || config.utsMode === 'host'
  return isHosts ? hostname() : containerId.slice(0, 12)
}
