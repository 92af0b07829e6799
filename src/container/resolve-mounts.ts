import { posix } from 'node:path'
import { TsctrError } from '../errors.ts'
import { findContainer } from '../store/containers.ts'
import { anonymousVolumeName } from '../volume/volume-name.ts'
import { asConfig, type ConfiguredMount, type ContainerConfig } from './config.ts'
import type { ContainerStores } from './stores.ts'

/**
 * All mounts of a new container: those it asks for, those of the containers that it takes volumes
 * from, and an anonymous volume for each of the image's that none of them covers. Every volume has
 * its name then.
 *
 * @param imageVolumes  as the image has them, which may be anything
 * @throws              NOT_FOUND for a container in --volumes-from
 * Source: docker run -v, --volumes-from; OCI image-spec §config.md Volumes
 */
export function resolveMounts(
  stores: Pick<ContainerStores, 'database' | 'namespace'>,
  config: Pick<ContainerConfig, 'mounts' | 'volumesFrom'>,
  imageVolumes: readonly string[],
): ConfiguredMount[] {
  const mounts = [...config.mounts]
  const add = (mount: ConfiguredMount): void => {
    if (!mounts.some(({ target }) => target === mount.target)) mounts.push(mount)
  }
  for (const text of config.volumesFrom ?? [])
    for (const mount of mountsOf(stores, text)) add(mount)
  for (const target of imageVolumes.map(insideRoot)) {
    if (target !== '/') add({ ...imageVolume, target })
  }
  return mounts.map((mount) =>
    mount.type === 'volume' && mount.name === undefined
      ? { ...mount, name: anonymousVolumeName() }
      : mount,
  )
}

const imageVolume = {
  type: 'volume',
  isAnonymous: true,
  isReadOnly: false,
  isNotFilled: false,
  isFromVolumeFlag: false,
} as const

/** `/../../etc` is /etc of the container. */
function insideRoot(path: string): string {
  return posix.resolve('/', path)
}

function mountsOf(
  { database, namespace }: Pick<ContainerStores, 'database' | 'namespace'>,
  text: string,
): ConfiguredMount[] {
  const [, name = '', mode] = /^(.*?)(?::([^:]*))?$/.exec(text) ?? []
  if (mode !== undefined && mode !== 'ro' && mode !== 'rw' && mode !== 'z' && mode !== 'Z') {
    throw new TsctrError('INVALID_ARGUMENT', `--volumes-from ${text}: mode ${mode} is unknown`, {
      hint: 'ro or rw',
    })
  }
  const { config } = findContainer(database, namespace, name)
  return asConfig(config)
    .mounts.filter((mount) => mount.type !== 'tmpfs')
    .map((mount) => (mode === 'ro' ? { ...mount, isReadOnly: true } : mount))
}
