import { TsctrError } from '../../errors.ts'

/**
 * Bytes from a size as typed: `64m`, `1.5g`, `512KiB`, `1024`; units of 1024.
 *
 * @param minBytes  less is refused
 * @throws  INVALID_ARGUMENT
 * Source: docker/go-units RAMInBytes
 */
export function parseSize(text: string, minBytes = 0): number {
  const form = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])i?b?|b)?$/i.exec(text)
  if (form === null) throw notASize(text)
  const [, number = '', unit = ''] = form
  const power = unit === '' ? 0 : 'kmgtp'.indexOf(unit.toLowerCase()) + 1
  const bytes = Math.trunc(Number(number) * 1024 ** power)
  if (!Number.isSafeInteger(bytes)) throw notASize(text)
  if (bytes >= minBytes) return bytes
  const message = `${JSON.stringify(text)}: less than the smallest allowed, ${minBytes} bytes`
  throw new TsctrError('INVALID_ARGUMENT', message)
}

function notASize(text: string): TsctrError {
  return new TsctrError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(text)}: not a size like 512k, 64m or 2g`,
  )
}
