import type { LogRecord } from '../../runtime/log-record.ts'
import { formatRfc3339Ns, parseRfc3339Ns } from '../../runtime/log-time.ts'

export interface LogText {
  readonly stream: LogRecord['stream']
  readonly bytes: Buffer
}

const newline = Buffer.from('\n')
const firstBytes = 64 * 1024
/** For so few bytes a call of copy costs more. */
const shortBytes = 32

/** Makes the container's output again from log records, in order; parts of a line are joined. */
export class LogLines {
  readonly #hasTimes: boolean
  readonly #details: Buffer | undefined
  readonly #isInLine = { stdout: false, stderr: false }
  #buffer = Buffer.allocUnsafe(firstBytes)
  #length = 0
  #time = { raw: '', aligned: Buffer.alloc(0) }

  /**
   * @param hasTimes    begin each line with when it was written
   * @param attributes  then these, if there are none, then still their space.
   *                    Source: moby write_log_stream.go
   */
  constructor(options: {
    readonly hasTimes: boolean
    readonly attributes: ReadonlyArray<readonly [name: string, value: string]> | undefined
  }) {
    this.#hasTimes = options.hasTimes
    const { attributes } = options
    this.#details = attributes && Buffer.from(`${attributes.map(formatAttribute).join(',')} `)
  }

  /** One text for each run of records of the same stream, good until the next is asked for. */
  *texts(records: readonly LogRecord[]): Generator<LogText> {
    let stream: LogRecord['stream'] = 'stdout'
    for (const record of records) {
      if (record.stream !== stream && this.#length > 0) yield this.#take(stream)
      stream = record.stream
      this.#add(record)
    }
    if (this.#length > 0) yield this.#take(stream)
  }

  #take(stream: LogRecord['stream']): LogText {
    const bytes = this.#buffer.subarray(0, this.#length)
    this.#length = 0
    return { stream, bytes }
  }

  #add(record: LogRecord): void {
    const { stream, isPartial, bytes, textStart, textEnd } = record
    if (!this.#isInLine[stream]) {
      if (this.#hasTimes) this.#append(this.#timeOf(record), 0)
      if (this.#details !== undefined) this.#append(this.#details, 0)
    }
    this.#isInLine[stream] = isPartial
    this.#append(bytes, textStart, textEnd)
    if (!isPartial) this.#append(newline, 0)
  }

  #append(bytes: Buffer, start: number, end: number = bytes.length): void {
    const length = end - start
    if (this.#length + length > this.#buffer.length) this.#makeRoom(length)
    if (length < shortBytes) {
      for (let n = 0; n < length; n += 1) this.#buffer[this.#length + n] = bytes[start + n] ?? 0
    } else bytes.copy(this.#buffer, this.#length, start, end)
    this.#length += length
  }

  #makeRoom(length: number): void {
    const larger = Buffer.allocUnsafe(2 * (this.#length + length))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }

  /** Conmon gives all lines that it has read at once the same time. */
  #timeOf({ time }: LogRecord): Buffer {
    if (time !== this.#time.raw) {
      this.#time = { raw: time, aligned: Buffer.from(`${alignedTime(time)} `) }
    }
    return this.#time.aligned
  }
}

function alignedTime(time: string): string {
  const timeNs = parseRfc3339Ns(time)
  return timeNs === undefined ? time : formatRfc3339Ns(timeNs)
}

/** Source: Go url.QueryEscape */
function formatAttribute(attribute: readonly [name: string, value: string]): string {
  return attribute
    .map((text) =>
      encodeURIComponent(text)
        .replaceAll('%20', '+')
        .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`),
    )
    .join('=')
}
