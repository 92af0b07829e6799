import type { ImageProcessConfig } from '../oci/image-config.ts'
import type { ContainerConfig } from './config.ts'

/**
 * Names under which container tools keep control data. An image must not speak there: such labels
 * have led tools to run programs as root on the host (CVE-2026-53488).
 */
const reservedPrefixes = ['tsctr.', 'tsctr/', 'nerdctl/', 'containerd.io/', 'io.containerd.']

/** A container's labels: the image's, less those in reserved names, and the user's over them. */
export function containerLabels(
  image: ImageProcessConfig,
  config: ContainerConfig,
): Record<string, string> {
  const fromImage = [...image.labels].filter(
    ([name]) => !reservedPrefixes.some((prefix) => name.startsWith(prefix)),
  )
  // fromEntries makes own properties even of a name like __proto__.
  return Object.fromEntries([...fromImage, ...Object.entries(config.labels)])
}
