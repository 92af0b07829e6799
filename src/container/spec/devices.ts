import { type BigIntStats, lstatSync, readdirSync, statSync } from 'node:fs'
import { isErrno, TsctrError } from '../../errors.ts'
import type { DeviceNumber, RuntimeDevice, RuntimeDeviceRule } from '../../oci/runtime-spec.ts'
import type { ContainerConfig, DeviceRule } from '../config.ts'

/** A device of the host that stands in the container, and what may be done to it. */
export interface MappedDevice extends RuntimeDevice {
  /** Of `r`, `w`, `m`. */
  readonly access: string
}

type Wanted = Pick<ContainerConfig, 'devices' | 'deviceRules' | 'privileged' | 'security'>

/**
 * Devices besides those that every container has: `--device`, or all of the host's with
 * `--privileged`. A directory stands for the devices in it.
 *
 * @throws  NOT_FOUND, INVALID_ARGUMENT if a path is there but no device
 */
export function mappedDevices(config: Wanted): MappedDevice[] {
  const asked = config.devices.flatMap(({ hostPath, containerPath, access }) =>
    devicesAt(hostPath, containerPath, access),
  )
  if (!hasHostDevices(config)) return asked
  const known = new Set(asked.map(({ path }) => path))
  const all = devicesBelow('/dev', '/dev', 'rwm').filter(({ path }) => !known.has(path))
  return [...asked, ...all]
}

/** The nodes to make, as the runtime takes them. */
export function deviceNodes(config: Wanted): RuntimeDevice[] {
  return mappedDevices(config).map(({ access: _, ...device }) => device)
}

/** Which devices may be used, in the order in which the kernel is told: all others may not. */
export function deviceRules(config: Wanted): RuntimeDeviceRule[] {
  if (hasHostDevices(config)) return [{ allow: true, access: 'rwm' }]
  return [
    { allow: false, access: 'rwm' },
    ...alwaysAllowed,
    ...mappedDevices(config).flatMap(({ type, major, minor, access }): RuntimeDeviceRule[] =>
      type === 'p' ? [] : [{ allow: true, type, major, minor, access }],
    ),
    ...(config.deviceRules ?? []).map(ruleOf),
  ]
}

/**
 * The number of a disk.
 *
 * @throws  NOT_FOUND, INVALID_ARGUMENT if it is no block device
 */
export function blockDeviceNumber(path: string): DeviceNumber {
  const [device] = devicesAt(path, path, 'rwm')
  if (device?.type === 'b' && device.path === path) {
    return { major: device.major, minor: device.minor }
  }
  throw new TsctrError('INVALID_ARGUMENT', `device ${path}: not a block device`)
}

function hasHostDevices({ privileged, security }: Wanted): boolean {
  return privileged && security.isWithoutHostDevices !== true
}

function ruleOf({ type, major, minor, access }: DeviceRule): RuntimeDeviceRule {
  return {
    allow: true,
    type,
    ...(major === undefined ? {} : { major }),
    ...(minor === undefined ? {} : { minor }),
    access,
  }
}

// Source: linux/Documentation/admin-guide/devices.txt
const alwaysAllowed: readonly RuntimeDeviceRule[] = [
  // Making a node is harmless while it cannot be opened.
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  // null, zero, full, random, urandom
  ...[3, 5, 7, 8, 9].map((minor) => character(1, minor)),
  // tty, console, ptmx
  ...[0, 1, 2].map((minor) => character(5, minor)),
  // pts/*
  { allow: true, type: 'c', major: 136, access: 'rwm' },
]

function character(major: number, minor: number): RuntimeDeviceRule {
  return { allow: true, type: 'c', major, minor, access: 'rwm' }
}

function devicesAt(hostPath: string, containerPath: string, access: string): MappedDevice[] {
  let stats: BigIntStats
  try {
    stats = statSync(hostPath, { bigint: true })
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw error
    throw new TsctrError('NOT_FOUND', `device ${hostPath}: no such file`)
  }
  if (stats.isDirectory()) return devicesBelow(hostPath, containerPath, access)
  const device = toDevice(stats, containerPath, access)
  if (device !== undefined) return [device]
  throw new TsctrError('INVALID_ARGUMENT', `device ${hostPath}: not a device`)
}

// The runtime makes these itself, for this container alone.
const ownPlaces = new Set(['pts', 'shm', 'fd', 'mqueue', 'console', '.udev', '.lxc', '.lxd-mounts'])

function devicesBelow(directory: string, target: string, access: string): MappedDevice[] {
  return readdirSync(directory).flatMap((name) => {
    if (ownPlaces.has(name)) return []
    const path = `${directory}/${name}`
    // Devices come and go while the directory is read.
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (stats === undefined) return []
    if (stats.isDirectory()) return devicesBelow(path, `${target}/${name}`, access)
    const device = toDevice(stats, `${target}/${name}`, access)
    return device === undefined ? [] : [device]
  })
}

function toDevice(stats: BigIntStats, path: string, access: string): MappedDevice | undefined {
  const type = stats.isCharacterDevice() ? 'c' : stats.isBlockDevice() ? 'b' : undefined
  if (type === undefined) return undefined
  const { rdev } = stats
  return {
    path,
    type,
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xfff00n)),
    fileMode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    access,
  }
}
