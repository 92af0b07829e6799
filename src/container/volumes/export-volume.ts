import { closeSync, createReadStream } from 'node:fs'
import { openPipe } from '../../host/libc.ts'
import { copyApart } from '../copy/copy-apart.ts'
import { volumeTree } from '../copy/volume-tree.ts'
import type { ContainerStores } from '../stores.ts'

export interface VolumeExport {
  readonly name: string
  /** Takes the archive, piece by piece. */
  readonly write: (bytes: Buffer) => Promise<void>
  readonly signal: AbortSignal
}

/**
 * Write all that is in a volume as a tar archive, with owners, attributes and hard links. Containers
 * may change it meanwhile.
 *
 * @throws  NOT_FOUND; what `write` throws
 * Source: podman volume export
 */
export async function exportVolume(
  stores: ContainerStores,
  { name, write, signal }: VolumeExport,
): Promise<void> {
  const place = await volumeTree(stores, name)
  const { readEnd, writeEnd } = openPipe()
  const written = (async (): Promise<void> => {
    for await (const chunk of createReadStream('', { fd: readEnd })) await write(chunk as Buffer)
  })()
  // Waited for below: until then a failure is nobody's.
  written.catch(() => {})
  try {
    const { isReaderGone } = await copyApart(
      {
        from: { kind: 'tree', place, path: '/.', followsLink: false },
        to: { kind: 'stream', fd: writeEnd },
        owner: undefined,
        keepsXattrs: true,
        interruption: new SharedArrayBuffer(4),
      },
      undefined,
      signal,
    )
    // Only we read: what ended that is what is reported.
    if (isReaderGone) return await written
  } finally {
    closeSync(writeEnd)
  }
  await written
}
