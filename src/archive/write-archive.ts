import { Header } from 'tar'

export type ArchiveEntry =
  | { readonly name: string; readonly kind: 'directory' }
  | {
      readonly name: string
      readonly kind: 'file'
      readonly sizeBytes: number
      /** Exactly so many bytes. */
      readonly bytes: () => AsyncIterable<Buffer> | Iterable<Buffer>
    }

const blockBytes = 512

/**
 * A tar archive of entries in the order of their names. The same entries give the same bytes: times
 * are the epoch, owner and group are root.
 *
 * @throws  what an entry's bytes throw
 */
export async function* archiveBytes(
  entries: readonly ArchiveEntry[],
): AsyncGenerator<Buffer, void, void> {
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    yield headerOf(entry)
    if (entry.kind === 'directory') continue
    let writtenBytes = 0
    for await (const chunk of entry.bytes()) {
      writtenBytes += chunk.length
      yield chunk
    }
    if (writtenBytes !== entry.sizeBytes) {
      throw new Error(`bug: ${entry.name}: ${writtenBytes} bytes written, not ${entry.sizeBytes}`)
    }
    const rest = entry.sizeBytes % blockBytes
    if (rest > 0) yield Buffer.alloc(blockBytes - rest)
  }
  yield Buffer.alloc(2 * blockBytes)
}

function headerOf(entry: ArchiveEntry): Buffer {
  const isFile = entry.kind === 'file'
  const block = Buffer.alloc(blockBytes)
  const header = new Header({
    path: isFile ? entry.name : `${entry.name}/`,
    type: isFile ? 'File' : 'Directory',
    mode: isFile ? 0o644 : 0o755,
    uid: 0,
    gid: 0,
    size: isFile ? entry.sizeBytes : 0,
    mtime: new Date(0),
  })
  header.encode(block)
  return block
}
