import { TsctrError } from '../../errors.ts'
import type { DeviceValue } from '../config.ts'
import { wholeNumber } from './number.ts'
import { parseSize } from './size.ts'

const minWeight = 10
const maxWeight = 1000

/**
 * A share of a disk's time: 10 to 1000, or 0 for none of one's own.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker run --blkio-weight
 */
export function parseBlockWeight(text: string): number {
  const weight = /^\d+$/.test(text) ? Number(text) : -1
  if (weight === 0 || (weight >= minWeight && weight <= maxWeight)) return weight
  const message = `${JSON.stringify(text)}: must be from ${minWeight} to ${maxWeight}, or 0 for none`
  throw new TsctrError('INVALID_ARGUMENT', message)
}

/** `/dev/sda:200` @throws INVALID_ARGUMENT */
export function parseDeviceWeight(text: string): DeviceValue {
  return deviceValue(text, 'WEIGHT', parseBlockWeight)
}

/** `/dev/sda:1mb`, bytes a second. @throws INVALID_ARGUMENT */
export function parseDeviceBytes(text: string): DeviceValue {
  return deviceValue(text, 'SIZE', (value) => parseSize(value, 1))
}

/** `/dev/sda:100`, operations a second. @throws INVALID_ARGUMENT */
export function parseDeviceOperations(text: string): DeviceValue {
  return deviceValue(text, 'NUMBER', wholeNumber(1))
}

function deviceValue(text: string, what: string, parse: (value: string) => number): DeviceValue {
  const [, path, value] = /^(\/dev\/[^:]+):([^:]+)$/.exec(text) ?? []
  if (path === undefined || value === undefined) {
    throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be /dev/NAME:${what}`)
  }
  return { path, value: parse(value) }
}
