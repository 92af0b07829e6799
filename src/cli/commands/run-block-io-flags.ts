import type { Command } from 'commander'
import type { BlockIoLimits, DeviceValue } from '../../container/config.ts'
import {
  parseBlockWeight,
  parseDeviceBytes,
  parseDeviceOperations,
  parseDeviceWeight,
} from '../../container/flag-values/device-limit.ts'
import { repeated, single } from '../flag-parser.ts'

/** How a container shares disks; as commander derives them. */
export interface BlockIoFlags {
  readonly blkioWeight?: number
  readonly blkioWeightDevice?: readonly DeviceValue[]
  readonly deviceReadBps?: readonly DeviceValue[]
  readonly deviceReadIops?: readonly DeviceValue[]
  readonly deviceWriteBps?: readonly DeviceValue[]
  readonly deviceWriteIops?: readonly DeviceValue[]
}

export function addBlockIoFlags(command: Command): void {
  const bytes = (flag: string, what: string): void => {
    command.option(`${flag} <device:size>`, what, repeated(flag, parseDeviceBytes))
  }
  const operations = (flag: string, what: string): void => {
    command.option(`${flag} <device:number>`, what, repeated(flag, parseDeviceOperations))
  }
  command
    .option(
      '--blkio-weight <10-1000>',
      'relative share of disks; 0 for none of its own',
      single('--blkio-weight', parseBlockWeight),
    )
    .option(
      '--blkio-weight-device <device:weight>',
      'the same for one disk',
      repeated('--blkio-weight-device', parseDeviceWeight),
    )
  bytes('--device-read-bps', 'bytes a second read from a disk')
  bytes('--device-write-bps', 'bytes a second written to a disk')
  operations('--device-read-iops', 'reads a second from a disk')
  operations('--device-write-iops', 'writes a second to a disk')
}

/** @returns undefined if none of the flags was given */
export function blockIoFrom(flags: BlockIoFlags): BlockIoLimits | undefined {
  const limits = {
    weight: flags.blkioWeight,
    deviceWeights: flags.blkioWeightDevice ?? [],
    readBps: flags.deviceReadBps ?? [],
    writeBps: flags.deviceWriteBps ?? [],
    readIops: flags.deviceReadIops ?? [],
    writeIops: flags.deviceWriteIops ?? [],
  }
  const isGiven = Object.values(limits).some((value) =>
    typeof value === 'object' ? value.length > 0 : value !== undefined,
  )
  return isGiven ? limits : undefined
}
