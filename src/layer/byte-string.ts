/**
 * A file name as the kernel sees it: bytes, in no encoding. Kept as a string with one character
 * (0-255) for each byte, so that names can be map keys and be split and compared cheaply.
 */
export type ByteString = string & { readonly __brand: 'ByteString' }

/** Bytes of a buffer from `start` up to the first NUL or `end`. */
export function byteStringUpToNul(buffer: Buffer, start: number, end: number): ByteString {
  let stop = start
  while (stop < end && buffer[stop] !== 0) stop += 1
  return buffer.toString('latin1', start, stop) as ByteString
}

export function byteStringOf(bytes: Uint8Array | string): ByteString {
  if (typeof bytes === 'string') return Buffer.from(bytes).toString('latin1') as ByteString
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
    'latin1',
  ) as ByteString
}

export function joinPath(directory: ByteString, name: ByteString): ByteString {
  return (directory === '' ? name : `${directory}/${name}`) as ByteString
}

/** For a system call. */
export function toBuffer(text: ByteString): Buffer {
  return Buffer.from(text, 'latin1')
}

/** For a message between threads: with memory of its own, where a Buffer drags its pool along. */
export function toOwnBytes(text: ByteString): Uint8Array {
  return new Uint8Array(toBuffer(text))
}

/**
 * Components of a path, cleaned as if the current directory were the root: no empty ones, no `.`,
 * and `..` takes away the one before or nothing.
 *
 * Source: containerd and umoci clean entry names this way before they look at the filesystem
 */
export function cleanComponents(path: ByteString): ByteString[] {
  const components: ByteString[] = []
  for (const component of splitPath(path)) {
    if (component === '..') components.pop()
    else if (component !== '' && component !== '.') components.push(component)
  }
  return components
}

export function splitPath(path: ByteString): ByteString[] {
  return path.split('/') as ByteString[]
}
