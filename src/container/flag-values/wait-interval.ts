import { TsctrError } from '../../errors.ts'
import { parseGoDuration } from '../../oci/go-duration.ts'

/** As long as a timer can take. */
const maxMs = 0x7fffffff

/** Milliseconds of `500`, `500ms` or `1s`. @throws INVALID_ARGUMENT Source: podman wait --interval */
export function parseWaitInterval(text: string): number {
  const ns = parseGoDuration(/^\d+$/.test(text) ? `${text}ms` : text)
  const ms = ns === undefined ? 0 : ns / 1e6
  if (ms >= 1 && ms <= maxMs) return ms
  const message = `${JSON.stringify(text)}: not a time of at least 1ms, such as 500ms or 1s`
  throw new TsctrError('INVALID_ARGUMENT', message)
}
