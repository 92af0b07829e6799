import { defaultNetworkName } from '../../network/network-name.ts'
import { type ContainerConfig, type NetworkAttachment, namespacePathOf, peerOf } from '../config.ts'

/** The networks that a container is to be in, in the order of its interfaces. */
export function attachmentsOf(
  config: Pick<ContainerConfig, 'networkMode' | 'networks'>,
): readonly NetworkAttachment[] {
  if (config.networkMode !== 'bridge') return []
  return config.networks ?? [{ name: defaultNetworkName, aliases: [] }]
}

/** Names by which those of the same network find a container. */
export function namesInNetwork(
  {
    id,
    name,
    hostname,
  }: { readonly id: string; readonly name: string; readonly hostname: string | undefined },
  aliases: readonly string[],
): string[] {
  const shortId = id.slice(0, 12)
  return [...new Set([name, ...aliases, shortId, hostname ?? shortId])]
}

/** What docker calls the container's network mode: the first network's name, if it has networks. */
export function modeName(config: Pick<ContainerConfig, 'networkMode' | 'networks'>): string {
  return config.networkMode === 'bridge'
    ? (attachmentsOf(config)[0]?.name ?? defaultNetworkName)
    : config.networkMode
}

/** Names of all of its networks, `host` and `none` too. */
export function networkNames(
  config: Pick<ContainerConfig, 'networkMode' | 'networks'>,
): readonly string[] {
  const { networkMode: mode } = config
  // The network is another container's or from elsewhere.
  if (peerOf(mode) !== undefined || namespacePathOf(mode) !== undefined) return []
  if (mode !== 'bridge') return [mode]
  return attachmentsOf(config).map(({ name }) => name)
}
