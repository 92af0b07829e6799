import { close, closeSync, constants, openSync, read, write } from 'node:fs'
import { basename, dirname } from 'node:path'
import { promisify } from 'node:util'
import { isErrno, TsctrError } from '../errors.ts'
import { connectSeqpacket, shutdownSocket } from '../host/libc.ts'

const readAsync = promisify(read)
const writeAsync = promisify(write)

/** What conmon reads from one packet at most. Source: conmon config.h CONN_SOCK_BUF_SIZE */
const maxInputBytes = 32 * 1024
/** STDIO_BUF_SIZE and the byte in front that names the stream. */
const maxOutputBytes = 8192 + 1

/**
 * The other end of a container's stdio: conmon's attach socket. Several may be connected.
 *
 * Source: conmon conn_sock.c: SOCK_SEQPACKET; each packet to us is one byte of stream (2 stdout,
 * 3 stderr) and data, each packet from us is data for stdin
 */
export class AttachSocket {
  readonly #fd: number
  #isClosed = false

  /** @throws FAILED_PRECONDITION if no monitor listens there */
  constructor(path: string) {
    // The address holds 107 bytes; through a descriptor of the directory any path fits.
    const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      this.#fd = connectSeqpacket(`/proc/self/fd/${directory}/${basename(path)}`)
    } catch (cause) {
      if (!isErrno(cause, 'ENOENT', 'ECONNREFUSED')) throw cause
      throw new TsctrError('FAILED_PRECONDITION', `${path}: no monitor listens`, { cause })
    } finally {
      closeSync(directory)
    }
  }

  /**
   * Hand on what the container writes until its end.
   *
   * @param onData  called in the order of arrival; the next packet is read when it has resolved
   */
  async pump(
    onData: (stream: 'stdout' | 'stderr', data: Buffer) => void | Promise<void>,
  ): Promise<void> {
    const packet = Buffer.allocUnsafe(maxOutputBytes)
    while (!this.#isClosed) {
      const length = await this.#receive(packet)
      if (length === 0) return
      // A copy: whoever writes it out may still hold it when the next packet comes.
      const data = Buffer.from(packet.subarray(1, length))
      const done = onData(packet[0] === 3 ? 'stderr' : 'stdout', data)
      if (done !== undefined) await done
    }
  }

  /** Write to the container's stdin; resolves when conmon has taken it. Data after its end is dropped. */
  async write(data: Buffer): Promise<void> {
    for (let start = 0; start < data.length && !this.#isClosed; start += maxInputBytes) {
      const part = data.subarray(start, start + maxInputBytes)
      try {
        await writeAsync(this.#fd, part)
      } catch (error) {
        if (isErrno(error, 'EPIPE', 'ECONNRESET', 'EBADF')) return
        throw error
      }
    }
  }

  /** Tell the container that its stdin is at an end. */
  endInput(): void {
    if (!this.#isClosed) shutdownSocket(this.#fd, 'write')
  }

  /** Go away; the container runs on. A pump under way ends. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    // Wakes a read that a thread of the pool sits in; without it the process could not end.
    shutdownSocket(this.#fd, 'both')
    close(this.#fd, () => {})
  }

  async #receive(packet: Buffer): Promise<number> {
    try {
      return (await readAsync(this.#fd, packet, 0, packet.length, null)).bytesRead
    } catch (error) {
      if (this.#isClosed || isErrno(error, 'ECONNRESET', 'EBADF')) return 0
      throw error
    }
  }
}
