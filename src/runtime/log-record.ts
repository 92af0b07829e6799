const space = 0x20
const letters = { F: 0x46, P: 0x50, d: 0x64, e: 0x65, o: 0x6f, r: 0x72, s: 0x73, t: 0x74, u: 0x75 }

/** Conmon writes times of this length, so their end is looked for there first. */
const usualTimeLength = '2006-01-02T15:04:05.999999999+00:00'.length

/**
 * One write of the container, or a part of one: a part of a buffer, from which texts are made when
 * they are asked for. There may be millions of them in a second.
 */
export class LogRecord {
  readonly bytes: Buffer
  readonly stream: 'stdout' | 'stderr'
  /** Conmon cut the line here; the next record of the stream goes on with it. */
  readonly isPartial: boolean
  readonly textStart: number
  readonly textEnd: number
  readonly #start: number

  constructor(
    bytes: Buffer,
    start: number,
    textStart: number,
    textEnd: number,
    stream: 'stdout' | 'stderr',
    isPartial: boolean,
  ) {
    this.bytes = bytes
    this.stream = stream
    this.isPartial = isPartial
    this.#start = start
    this.textStart = textStart
    this.textEnd = textEnd
  }

  /** RFC 3339 with nanoseconds and the zone of the host, as conmon wrote it. */
  get time(): string {
    return this.bytes.toString('latin1', this.#start, this.textStart - streamAndTagLength)
  }

  /** Without the newline that ends a whole line. */
  get text(): Buffer {
    return this.bytes.subarray(this.textStart, this.textEnd)
  }
}

const streamAndTagLength = ' stdout F '.length

/**
 * Read one line of a log.
 *
 * @param start  of the line in the bytes
 * @param end    of the line, without its newline
 * @returns      undefined for a line that is torn or not of this form
 * Source: conmon ctr_logging.c, the k8s-file format: `TIME stdout|stderr F|P TEXT`
 */
export function parseLogRecord(
  bytes: Buffer,
  start = 0,
  end: number = bytes.length,
): LogRecord | undefined {
  let at = start + usualTimeLength
  if (bytes[at] !== space) at = bytes.indexOf(space, start)
  const textStart = at + streamAndTagLength
  if (at <= start || textStart > end) return undefined
  if (bytes[at + 7] !== space || bytes[at + 9] !== space) return undefined
  const stream = streamAt(bytes, at + 1)
  const tag = bytes[at + 8]
  if (stream === undefined || (tag !== letters.F && tag !== letters.P)) return undefined
  return new LogRecord(bytes, start, textStart, end, stream, tag === letters.P)
}

function streamAt(bytes: Buffer, at: number): 'stdout' | 'stderr' | undefined {
  const { s, t, d, o, u, e, r } = letters
  if (bytes[at] !== s || bytes[at + 1] !== t || bytes[at + 2] !== d) return undefined
  const a = bytes[at + 3]
  const b = bytes[at + 4]
  const c = bytes[at + 5]
  if (a === o && b === u && c === t) return 'stdout'
  return a === e && b === r && c === r ? 'stderr' : undefined
}
