import { existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { TsctrError } from '../../errors.ts'
import { lockFile } from '../../host/file-lock.ts'
import { copyAttributes } from '../../snapshot/copy-file.ts'
import { getVolume } from '../../store/volumes.ts'
import { takeWhole } from '../../volume/fill-volume.ts'
import { ensureVolumeDirectories } from '../../volume/volume-directories.ts'
import { volumeMount } from '../../volume/volume-options.ts'
import { copyApart } from '../copy/copy-apart.ts'
import { makeMountPoint } from '../copy/mount-point.ts'
import { createSharedInput } from '../copy/shared-input.ts'
import { volumeTree } from '../copy/volume-tree.ts'
import type { ContainerStores } from '../stores.ts'

export interface VolumeImport {
  readonly name: string
  /** A tar archive, plain or compressed with gzip or zstd. */
  readonly input: AsyncIterable<Buffer>
  /** Where it comes from: a file or `-`. */
  readonly source: string
  readonly signal: AbortSignal
}

/**
 * Unpack an archive into a volume, over what is in it. It is unpacked aside first: one that is cut,
 * damaged or hostile changes nothing. An empty volume takes the whole in one step, which the next
 * start finishes if it is interrupted.
 *
 * @throws  NOT_FOUND; INVALID_ARGUMENT for an archive that cannot be unpacked
 * Source: podman volume import
 */
export async function importVolume(stores: ContainerStores, request: VolumeImport): Promise<void> {
  const { name, signal } = request
  const volume = getVolume(stores.database, name)
  const place = await volumeTree(stores, name)
  const directories = ensureVolumeDirectories(stores.dataRoot, name)
  const { importing } = directories
  const lock = await lockFile(directories.importLock, signal)
  try {
    rmSync(importing, { recursive: true, force: true })
    mkdirSync(importing)
    // Not every archive says what the directory itself is to be.
    const [own, made] = [Buffer.from(directories.data), Buffer.from(importing)]
    copyAttributes(own, lstatSync(own, { bigint: true }), made)
    const takesRoot = await unpackAside(stores, importing, request)
    if (!existsSync(importing)) {
      throw new TsctrError('NOT_FOUND', `volume ${name}: was removed meanwhile`)
    }
    const isDirectory = volume !== undefined && volumeMount(volume.options) === undefined
    if (isDirectory && (await takeWhole(directories, importing))) return
    const from = { kind: 'tree', place: { kind: 'host' }, followsLink: false } as const
    await copyApart(
      {
        ...copying(),
        from: { ...from, path: `${importing}/.` },
        to: { kind: 'tree', place, path: '/', takesRoot },
      },
      undefined,
      signal,
    )
  } finally {
    rmSync(importing, { recursive: true, force: true })
    lock.release()
  }
}

/** @returns whether the archive says something of its root */
async function unpackAside(
  stores: ContainerStores,
  directory: string,
  { name, input, source, signal }: VolumeImport,
): Promise<boolean> {
  const shared = createSharedInput()
  const place = {
    kind: 'mounts',
    prefix: `volume:${name}`,
    mountPoint: makeMountPoint(stores),
    volumes: [],
    mounts: [{ type: 'bind', source: directory, options: ['bind'] }],
    isReadOnly: false,
    binds: [],
  } as const
  const { tookRoot = false } = await copyApart(
    {
      ...copying(),
      from: { kind: 'stream', input: shared },
      to: { kind: 'tree', place, path: '/', takesRoot: true },
    },
    { shared, source: input, shown: source },
    signal,
  )
  return tookRoot
}

function copying() {
  return { owner: undefined, keepsXattrs: true, interruption: new SharedArrayBuffer(4) }
}
