import { TsctrError } from '../errors.ts'

/**
 * Bytes of disk space as typed, in the units that sizes are shown in: `20GB` is 20 · 1000³, `20GiB`
 * and no other is 20 · 1024³.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker/go-units FromHumanSize
 */
export function parseDiskSize(text: string): number {
  const form = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])(i)?b?|b)?$/i.exec(text)
  const [, number = '', unit = '', binary] = form ?? []
  const power = unit === '' ? 0 : 'kmgtp'.indexOf(unit.toLowerCase()) + 1
  const bytes = Math.trunc(Number(number) * (binary === undefined ? 1000 : 1024) ** power)
  if (form !== null && Number.isSafeInteger(bytes)) return bytes
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not a size like 500MB or 20GB`)
}
