import type { LogRecord } from '../../runtime/log-record.ts'
import { formatRfc3339Ns, parseRfc3339Ns } from '../../runtime/log-time.ts'

export interface LogText {
  readonly stream: LogRecord['stream']
  readonly bytes: Buffer
}

const newline = Buffer.from('\n')

/** Makes the container's output again from log records, in order; parts of a line are joined. */
export class LogLines {
  readonly #hasTimes: boolean
  readonly #details: Buffer | undefined
  readonly #isInLine = { stdout: false, stderr: false }

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

  /** One text for each run of records of the same stream. */
  *texts(records: readonly LogRecord[]): Generator<LogText> {
    let parts: Buffer[] = []
    let stream: LogRecord['stream'] = 'stdout'
    for (const record of records) {
      if (record.stream !== stream && parts.length > 0) {
        yield { stream, bytes: Buffer.concat(parts) }
        parts = []
      }
      stream = record.stream
      parts.push(...this.#partsOf(record))
    }
    if (parts.length > 0) yield { stream, bytes: Buffer.concat(parts) }
  }

  #partsOf({ stream, time, text, isPartial }: LogRecord): Buffer[] {
    const isLineStart = !this.#isInLine[stream]
    this.#isInLine[stream] = isPartial
    return [
      ...(this.#hasTimes && isLineStart ? [Buffer.from(`${alignedTime(time)} `)] : []),
      ...(this.#details !== undefined && isLineStart ? [this.#details] : []),
      text,
      ...(isPartial ? [] : [newline]),
    ]
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
