import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { isErrno } from '../errors.ts'
import type { CgroupMount, CgroupMounts } from '../host/cgroup-mounts.ts'
import { readTextIfThere } from '../host/read-text.ts'

/** What a container uses, as its cgroups count it; what the host does not count is undefined. */
export interface CgroupUsage {
  /** Since the cgroup was made. */
  readonly cpuNs: bigint | undefined
  /** Without the pages of files that the kernel can drop, as docker shows it. */
  readonly memoryBytes: number | undefined
  /** undefined for no limit too. */
  readonly memoryLimitBytes: number | undefined
  readonly readBytes: number | undefined
  readonly writtenBytes: number | undefined
  readonly processes: number | undefined
}

/** Text of a file of the container's cgroup in a controller's hierarchy. */
type ReadCgroup = (controller: string, file: string) => string | undefined

/**
 * Read what the cgroups of a container count, on cgroup v1, v2 or both.
 *
 * @param container.pid  its first process; it may have gone into a cgroup below the container's
 * @param procDirectory  `/proc` but for tests
 * @returns              undefined if the process is gone
 * Source: cgroups(7); kernel cgroup-v1/*.rst, cgroup-v2.rst; docker/cli stats_helpers.go
 */
export function cgroupUsage(
  mounts: CgroupMounts,
  container: { readonly id: string; readonly pid: number },
  procDirectory = '/proc',
): CgroupUsage | undefined {
  let list: string
  try {
    list = readFileSync(`${procDirectory}/${container.pid}/cgroup`, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
  const paths = new Map<string, string>()
  for (const line of list.trimEnd().split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    for (const name of controllers.split(',')) paths.set(name, ownCgroup(path, container.id))
  }
  const isV1 = ['memory', 'cpuacct', 'pids', 'blkio'].some((name) => mounts.controllers.has(name))
  const read: ReadCgroup = (controller, file) => {
    const mount = isV1 ? mounts.controllers.get(controller) : mounts.unified
    const path = paths.get(isV1 ? controller : '')
    if (mount === undefined || path === undefined) return undefined
    return readTextIfThere(posix.join(mount.target, below(mount, path), file))
  }
  return isV1 ? usageV1(read) : usageV2(read)
}

/** The container's cgroup, of one that may lie below it. */
function ownCgroup(path: string, id: string): string {
  const end = path.indexOf(`/${id}`)
  return end < 0 ? path : path.slice(0, end + 1 + id.length)
}

function below({ root }: CgroupMount, path: string): string {
  return root !== '/' && path.startsWith(`${root}/`) ? path.slice(root.length) : path
}

/** The kernel's word for no limit on v1: the largest multiple of a page. */
const noLimitV1Bytes = 2 ** 62

function usageV1(read: ReadCgroup): CgroupUsage {
  const limitBytes = number(read('memory', 'memory.limit_in_bytes'))
  const io =
    read('blkio', 'blkio.throttle.io_service_bytes_recursive') ??
    read('blkio', 'blkio.throttle.io_service_bytes')
  const cpu = read('cpuacct', 'cpuacct.usage')
  return {
    cpuNs: cpu === undefined ? undefined : BigInt(cpu.trim()),
    memoryBytes: withoutCache(
      number(read('memory', 'memory.usage_in_bytes')),
      field(read('memory', 'memory.stat'), 'total_inactive_file'),
    ),
    memoryLimitBytes: (limitBytes ?? Infinity) > noLimitV1Bytes ? undefined : limitBytes,
    readBytes: sumV1(io, 'Read'),
    writtenBytes: sumV1(io, 'Write'),
    processes: number(read('pids', 'pids.current')),
  }
}

function usageV2(read: ReadCgroup): CgroupUsage {
  const cpuUs = field(read('cpu', 'cpu.stat'), 'usage_usec')
  const io = read('io', 'io.stat')
  return {
    cpuNs: cpuUs === undefined ? undefined : BigInt(cpuUs) * 1000n,
    memoryBytes: withoutCache(
      number(read('memory', 'memory.current')),
      field(read('memory', 'memory.stat'), 'inactive_file'),
    ),
    memoryLimitBytes: number(read('memory', 'memory.max')),
    readBytes: sumV2(io, 'rbytes'),
    writtenBytes: sumV2(io, 'wbytes'),
    processes: number(read('pids', 'pids.current')),
  }
}

function withoutCache(bytes: number | undefined, cacheBytes = 0): number | undefined {
  return bytes !== undefined && cacheBytes < bytes ? bytes - cacheBytes : bytes
}

/** undefined for `max` too. */
function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined
}

function field(text: string | undefined, name: string): number | undefined {
  return number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1])
}

/** Lines such as `8:0 Read 4096`. */
function sumV1(text: string | undefined, operation: string): number | undefined {
  return sum(text, new RegExp(`^\\d+:\\d+ ${operation} (\\d+)$`, 'gm'))
}

/** Lines such as `8:0 rbytes=4096 wbytes=0 …`. */
function sumV2(text: string | undefined, key: string): number | undefined {
  return sum(text, new RegExp(`^\\d+:\\d+ .*?\\b${key}=(\\d+)`, 'gm'))
}

function sum(text: string | undefined, pattern: RegExp): number | undefined {
  if (text === undefined) return undefined
  return [...text.matchAll(pattern)].reduce((total, [, bytes]) => total + Number(bytes), 0)
}
