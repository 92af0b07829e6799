import { join } from 'node:path'

interface Manifest {
  readonly manifests?: readonly {
    readonly digest: string
    readonly platform: { readonly architecture: string }
  }[]
  readonly layers: readonly { readonly digest: string }[]
}

/**
 * Where a registry keeps the layers of an image for this machine.
 *
 * @param storage  the registry's storage directory
 * @returns        paths, base layer first
 * Source: distribution registry/storage/paths.go
 */
export async function layerFilesOf(
  host: string,
  storage: string,
  repository: string,
  tag: string,
): Promise<string[]> {
  const index = await fetchManifest(host, repository, tag)
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const own = index.manifests?.find(({ platform }) => platform.architecture === architecture)
  const manifest = own === undefined ? index : await fetchManifest(host, repository, own.digest)
  return manifest.layers.map(({ digest }) => {
    const hex = digest.replace('sha256:', '')
    const blobs = join(storage, 'docker/registry/v2/blobs/sha256')
    return join(blobs, hex.slice(0, 2), hex, 'data')
  })
}

async function fetchManifest(host: string, repository: string, name: string): Promise<Manifest> {
  const answer = await fetch(`http://${host}/v2/${repository}/manifests/${name}`, {
    headers: {
      accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json',
    },
  })
  if (!answer.ok) throw new Error(`${repository}/manifests/${name}: status ${answer.status}`)
  return (await answer.json()) as Manifest
}
