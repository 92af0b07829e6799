import type { DeviceNumber, RuntimeBlockIo, RuntimeThrottle } from '../../oci/runtime-spec.ts'
import type { BlockIoLimits, DeviceValue } from '../config.ts'
import { blockDeviceNumber } from './devices.ts'

/**
 * Shares and limits of reading and writing disks.
 *
 * @returns  undefined where nothing is limited
 * @throws   NOT_FOUND, INVALID_ARGUMENT if a path is no block device
 * Source: OCI runtime-spec §config-linux.md#block-io
 */
export function buildBlockIo(limits: BlockIoLimits | undefined): RuntimeBlockIo | undefined {
  if (limits === undefined) return undefined
  const built: RuntimeBlockIo = {
    ...(limits.weight ? { weight: limits.weight } : {}),
    ...list('weightDevice', limits.deviceWeights, (device, weight) => ({ ...device, weight })),
    ...list('throttleReadBpsDevice', limits.readBps, throttle),
    ...list('throttleWriteBpsDevice', limits.writeBps, throttle),
    ...list('throttleReadIOPSDevice', limits.readIops, throttle),
    ...list('throttleWriteIOPSDevice', limits.writeIops, throttle),
  }
  return Object.keys(built).length === 0 ? undefined : built
}

function throttle(device: DeviceNumber, rate: number): RuntimeThrottle {
  return { ...device, rate }
}

function list<T>(
  key: keyof RuntimeBlockIo,
  values: readonly DeviceValue[],
  make: (device: DeviceNumber, value: number) => T,
): Record<string, readonly T[]> {
  if (values.length === 0) return {}
  return { [key]: values.map(({ path, value }) => make(blockDeviceNumber(path), value)) }
}
