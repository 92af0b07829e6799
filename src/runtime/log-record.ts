/** One write of the container, or a part of one. */
export interface LogRecord {
  /** RFC 3339 with nanoseconds and the zone of the host, as conmon wrote it. */
  readonly time: string
  readonly stream: 'stdout' | 'stderr'
  /** Conmon cut the line here; the next record of the stream goes on with it. */
  readonly isPartial: boolean
  /** Without the newline that ends a whole line. */
  readonly text: Buffer
}

const space = 0x20

/**
 * Read one line of a log.
 *
 * @param line  without its newline
 * @returns     undefined for a line that is torn or not of this form
 * Source: conmon ctr_logging.c, the k8s-file format: `TIME stdout|stderr F|P TEXT`
 */
export function parseLogRecord(line: Buffer): LogRecord | undefined {
  const afterTime = line.indexOf(space)
  const afterStream = line.indexOf(space, afterTime + 1)
  const tagEnd = line.indexOf(space, afterStream + 1)
  if (afterTime <= 0 || afterStream < 0 || tagEnd < 0) return undefined
  const stream = line.toString('latin1', afterTime + 1, afterStream)
  const tag = line.toString('latin1', afterStream + 1, tagEnd)
  if ((stream !== 'stdout' && stream !== 'stderr') || (tag !== 'F' && tag !== 'P')) return undefined
  return {
    time: line.toString('latin1', 0, afterTime),
    stream,
    isPartial: tag === 'P',
    text: line.subarray(tagEnd + 1),
  }
}
