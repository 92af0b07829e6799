import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface WrittenManifest {
  readonly config: { readonly mediaType: string; readonly digest: string }
  readonly layers: readonly { readonly mediaType: string; readonly digest: string }[]
}

/**
 * Write an image of a data root as an OCI layout with the tag `latest`, file by file and without
 * tsctr, for other programs to judge it.
 */
export function writeLayout(
  dataRoot: string,
  target: { readonly digest: string; readonly mediaType: string },
  layout: string,
): { readonly manifest: WrittenManifest } {
  const blobs = join(layout, 'blobs/sha256')
  mkdirSync(blobs, { recursive: true })
  const copy = (digest: string): string => {
    const hex = digest.replace('sha256:', '')
    copyFileSync(join(dataRoot, 'content/blobs/sha256', hex), join(blobs, hex))
    return join(blobs, hex)
  }
  const bytes = readFileSync(copy(target.digest))
  const manifest = JSON.parse(bytes.toString()) as WrittenManifest
  for (const { digest } of [manifest.config, ...manifest.layers]) copy(digest)
  const entry = {
    mediaType: target.mediaType,
    digest: target.digest,
    size: bytes.length,
    annotations: { 'org.opencontainers.image.ref.name': 'latest' },
  }
  writeFileSync(join(layout, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  const index = { schemaVersion: 2, manifests: [entry] }
  writeFileSync(join(layout, 'index.json'), JSON.stringify(index))
  return { manifest }
}

/** Write an image of a data root as skopeo's `dir:` has it, which takes media types of all kinds. */
export function writeSkopeoDirectory(
  dataRoot: string,
  target: { readonly digest: string },
  directory: string,
): { readonly manifest: WrittenManifest } {
  mkdirSync(directory, { recursive: true })
  const blob = (digest: string): string =>
    join(dataRoot, 'content/blobs/sha256', digest.replace('sha256:', ''))
  const bytes = readFileSync(blob(target.digest))
  const manifest = JSON.parse(bytes.toString()) as WrittenManifest
  for (const { digest } of [manifest.config, ...manifest.layers]) {
    copyFileSync(blob(digest), join(directory, digest.replace('sha256:', '')))
  }
  writeFileSync(join(directory, 'manifest.json'), bytes)
  writeFileSync(join(directory, 'version'), 'Directory Transport Version: 1.1\n')
  return { manifest }
}
