import { writeFileSync } from 'node:fs'
import { digestHex } from '../../src/oci/digest.ts'
import { sha256Digest } from '../../src/oci/sha256.ts'
import { file, tarOf } from '../helpers/tar-builder.ts'

const sharedLayers = 5

/**
 * Write a docker-archive of images that differ: each has some layers of all and one of its own, and
 * a config as images of services have.
 *
 * @returns  their names, `many/app-0:1` …
 */
export function writeManyImages(path: string, count: number): string[] {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  const shared = Array.from({ length: sharedLayers }, (_, index) =>
    tarOf(file(`base-${index}`, 'x'.repeat(10_000))),
  )
  const entries = new Map<string, Buffer>()
  const layerName = (layer: Buffer): string => {
    const name = `${digestHex(sha256Digest(layer))}/layer.tar`
    entries.set(name, layer)
    return name
  }
  const manifest = Array.from({ length: count }, (_, index) => {
    const layers = [...shared, tarOf(file(`app-${index}`, 'y'.repeat(1000 + index)))]
    const config = Buffer.from(JSON.stringify(configOf(index, architecture, layers)))
    const Config = `${digestHex(sha256Digest(config))}.json`
    entries.set(Config, config)
    return { Config, RepoTags: [`many/app-${index}:1`], Layers: layers.map(layerName) }
  })
  const files = [...entries].map(([name, bytes]) => file(name, bytes))
  writeFileSync(path, tarOf(...files, file('manifest.json', JSON.stringify(manifest))))
  return manifest.flatMap(({ RepoTags }) => RepoTags)
}

function configOf(index: number, architecture: string, layers: readonly Buffer[]): object {
  const created = new Date(Date.UTC(2024, 0, 1, 0, index)).toISOString()
  return {
    architecture,
    os: 'linux',
    created,
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', `APP=${index}`],
      Cmd: [`/app-${index}`],
      Labels: {
        'org.opencontainers.image.title': `app-${index}`,
        'org.opencontainers.image.created': created,
        'org.opencontainers.image.revision': String(index).padStart(40, '0'),
      },
    },
    history: layers.map((_, layer) => ({ created, created_by: `layer ${layer}` })),
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => sha256Digest(layer)) },
  }
}
