import { nilList, withOptional } from '../../oci/nil.ts'
import { volumeDirectories } from '../../volume/volume-directories.ts'
import type { BindMount, ContainerConfig, TmpfsMount, VolumeMount } from '../config.ts'

type Mounts = Pick<ContainerConfig, 'mounts'>

/** What is mounted besides the usual. Source: docker Engine API "MountPoint" */
export function inspectMounts({ mounts }: Mounts, dataRoot: string): object[] {
  return mounts.flatMap((mount): object[] => {
    if (mount.type === 'bind') return [bindMountPoint(mount)]
    if (mount.type === 'volume') return [volumeMountPoint(mount, dataRoot)]
    return mount.isFromMountFlag === true ? [tmpfsMountPoint(mount)] : []
  })
}

function bindMountPoint(mount: BindMount): object {
  return {
    Type: 'bind',
    Source: mount.source,
    Destination: mount.target,
    Mode: isFromVolumeFlag(mount) ? bindMode(mount) : '',
    RW: !mount.isReadOnly,
    Propagation: mount.propagation,
  }
}

function volumeMountPoint(mount: VolumeMount, dataRoot: string): object {
  const { name = '', target, isReadOnly } = mount
  return {
    Type: 'volume',
    Name: name,
    Source: volumeDirectories(dataRoot, name).data,
    Destination: target,
    Driver: 'local',
    Mode: mount.isFromVolumeFlag ? volumeMode(mount) : '',
    RW: !isReadOnly,
    Propagation: '',
  }
}

function tmpfsMountPoint({ target, options }: TmpfsMount): object {
  return {
    Type: 'tmpfs',
    Source: '',
    Destination: target,
    Mode: '',
    RW: !options.includes('ro'),
    Propagation: '',
  }
}

/** What `-v` asked for: `/host:/container:ro`. */
export function inspectBinds({ mounts }: Mounts): readonly string[] {
  const binds = mounts.flatMap((mount) => {
    if (mount.type === 'bind' && isFromVolumeFlag(mount)) {
      return [[mount.source, mount.target, bindMode(mount)]]
    }
    // Docker lists no anonymous ones here.
    const isNamed = mount.type === 'volume' && mount.isFromVolumeFlag && !mount.isAnonymous
    return isNamed ? [[mount.name, mount.target, volumeMode(mount)]] : []
  })
  return binds.length === 0 ? nilList : binds.map((parts) => parts.filter(Boolean).join(':'))
}

/** Where `-v /container` wants a volume without a name. */
export function anonymousVolumeTargets({ mounts }: Mounts): readonly string[] {
  return mounts.flatMap((mount) =>
    mount.type === 'volume' && mount.isAnonymous && mount.isFromVolumeFlag ? [mount.target] : [],
  )
}

/** What `--mount` asked for; undefined for nothing. Source: docker Engine API "Mount" */
export function inspectMountRequests({ mounts }: Mounts): object[] | undefined {
  const requests = mounts.flatMap((mount): object[] => {
    if (mount.type === 'bind' && !isFromVolumeFlag(mount)) return [bindRequest(mount)]
    if (mount.type === 'tmpfs' && mount.isFromMountFlag === true) return [tmpfsRequest(mount)]
    const isAsked = mount.type === 'volume' && !mount.isFromVolumeFlag && !mount.isAnonymous
    return isAsked ? [volumeRequest(mount)] : []
  })
  return requests.length === 0 ? undefined : requests
}

function bindRequest(mount: BindMount): object {
  return withOptional(
    { Type: 'bind', Source: mount.source, Target: mount.target },
    {
      ReadOnly: [mount.isReadOnly || undefined, false],
      BindOptions: [bindOptions(mount), null],
    },
  )
}

function volumeRequest(mount: VolumeMount): object {
  return withOptional(
    { Type: 'volume', Source: mount.name, Target: mount.target },
    {
      ReadOnly: [mount.isReadOnly || undefined, false],
      VolumeOptions: [volumeOptions(mount), null],
    },
  )
}

function volumeOptions({
  isNotFilled,
  labels,
  driverOptions,
  subpath,
}: VolumeMount): object | undefined {
  const fields = {
    NoCopy: [isNotFilled || undefined, false],
    Labels: [labels && new Map(Object.entries(labels)), null],
    DriverConfig: [
      driverOptions && { Name: 'local', Options: new Map(Object.entries(driverOptions)) },
      null,
    ],
    Subpath: [subpath, ''],
  } as const
  const isUsual = Object.values(fields).every(([value]) => value === undefined)
  return isUsual ? undefined : withOptional({}, fields)
}

function tmpfsRequest({ target, options }: TmpfsMount): object {
  const value = (name: string) =>
    options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1)
  const [size, mode] = [value('size'), value('mode')]
  const wanted = {
    SizeBytes: [size === undefined ? undefined : Number(size), 0],
    Mode: [mode === undefined ? undefined : Number.parseInt(mode, 8), 0],
  } as const
  const isUsual = size === undefined && mode === undefined
  return withOptional(
    { Type: 'tmpfs', Target: target },
    {
      ReadOnly: [options.includes('ro') || undefined, false],
      TmpfsOptions: [isUsual ? undefined : withOptional({}, wanted), null],
    },
  )
}

/** What `--tmpfs` asked for; undefined for nothing. */
export function inspectTmpfs({ mounts }: Mounts): ReadonlyMap<string, string> | undefined {
  const found = mounts.flatMap((mount): [string, string][] =>
    mount.type === 'tmpfs' && mount.isFromMountFlag !== true
      ? [[mount.target, mount.options.join(',')]]
      : [],
  )
  return found.length === 0 ? undefined : new Map(found)
}

function isFromVolumeFlag({ createsSource }: BindMount): boolean {
  return createsSource
}

function volumeMode({ isReadOnly, isNotFilled, relabel }: VolumeMount): string {
  return [
    ...(isReadOnly ? ['ro'] : []),
    ...(isNotFilled ? ['nocopy'] : []),
    ...relabelMode(relabel),
  ].join(',')
}

function bindMode({ isReadOnly, isRecursive, propagation, relabel }: BindMount): string {
  return [
    ...(isReadOnly ? ['ro'] : []),
    ...(isRecursive ? [] : ['bind']),
    ...(propagation === 'rprivate' ? [] : [propagation]),
    ...relabelMode(relabel),
  ].join(',')
}

function relabelMode(relabel: BindMount['relabel']): string[] {
  return relabel === undefined ? [] : [relabel === 'shared' ? 'z' : 'Z']
}

function bindOptions(mount: BindMount): object | undefined {
  const { propagation, isRecursive, isReadOnly, readOnlyReach } = mount
  const fields = {
    Propagation: [propagation === 'rprivate' ? undefined : propagation, ''],
    NonRecursive: [isRecursive ? undefined : true, false],
    ReadOnlyNonRecursive: [(isReadOnly && readOnlyReach === 'top') || undefined, false],
    ReadOnlyForceRecursive: [(isReadOnly && readOnlyReach === 'all') || undefined, false],
  } as const
  const isUsual = Object.values(fields).every(([value]) => value === undefined)
  return isUsual ? undefined : withOptional({}, fields)
}
