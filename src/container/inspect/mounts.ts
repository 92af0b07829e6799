import { nilList, withOptional } from '../../oci/nil.ts'
import type { BindMount, ContainerConfig } from '../config.ts'

type Mounts = Pick<ContainerConfig, 'mounts'>

/** What is mounted besides the usual. Source: docker Engine API "MountPoint" */
export function inspectMounts({ mounts }: Mounts): object[] {
  return mounts.filter(isBind).map((mount) => ({
    Type: 'bind',
    Source: mount.source,
    Destination: mount.target,
    Mode: isFromVolumeFlag(mount) ? bindMode(mount) : '',
    RW: !mount.isReadOnly,
    Propagation: mount.propagation,
  }))
}

/** What `-v` asked for: `/host:/container:ro`. */
export function inspectBinds({ mounts }: Mounts): readonly string[] {
  const binds = mounts
    .filter(isBind)
    .filter(isFromVolumeFlag)
    .map((mount) => [mount.source, mount.target, bindMode(mount)].filter(Boolean).join(':'))
  return binds.length === 0 ? nilList : binds
}

/** What `--mount` asked for; undefined for nothing. Source: docker Engine API "Mount" */
export function inspectMountRequests({ mounts }: Mounts): object[] | undefined {
  const requests = mounts.filter(isBind).filter((mount) => !isFromVolumeFlag(mount))
  if (requests.length === 0) return undefined
  return requests.map((mount) =>
    withOptional(
      { Type: 'bind', Source: mount.source, Target: mount.target },
      {
        ReadOnly: [mount.isReadOnly || undefined, false],
        BindOptions: [bindOptions(mount), null],
      },
    ),
  )
}

/** What `--tmpfs` asked for, and `--mount type=tmpfs`; undefined for nothing. */
export function inspectTmpfs({ mounts }: Mounts): ReadonlyMap<string, string> | undefined {
  const found = mounts.flatMap((mount): [string, string][] =>
    mount.type === 'tmpfs' ? [[mount.target, mount.options.join(',')]] : [],
  )
  return found.length === 0 ? undefined : new Map(found)
}

function isBind(mount: ContainerConfig['mounts'][number]): mount is BindMount {
  return mount.type === 'bind'
}

function isFromVolumeFlag({ createsSource }: BindMount): boolean {
  return createsSource
}

function bindMode({ isReadOnly, isRecursive, propagation, relabel }: BindMount): string {
  return [
    ...(isReadOnly ? ['ro'] : []),
    ...(isRecursive ? [] : ['bind']),
    ...(propagation === 'rprivate' ? [] : [propagation]),
    ...(relabel === undefined ? [] : [relabel === 'shared' ? 'z' : 'Z']),
  ].join(',')
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
