import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { cgroupMounts } from '../../src/host/cgroup-mounts.ts'
import { type CgroupUsage, cgroupUsage } from '../../src/runtime/cgroup-usage.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tsctr-cgroup-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

const id = 'c0ffee'.padEnd(64, '0')
const pid = 4242
let count = 0

/**
 * A machine of files as a real one had them.
 *
 * @param mounts   lines of mountinfo; `ROOT` is the machine's directory
 * @param cgroups  lines of /proc/PID/cgroup
 * @param files    below ROOT
 */
function usageOn(
  mounts: readonly string[],
  cgroups: readonly string[],
  files: Readonly<Record<string, string>>,
): CgroupUsage | undefined {
  count += 1
  const root = join(scratch, String(count))
  const all = {
    'proc/self/mountinfo': `${mounts.join('\n')}\n`.replaceAll('ROOT', root),
    [`proc/${pid}/cgroup`]: `${cgroups.join('\n')}\n`,
    ...files,
  }
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const proc = join(root, 'proc')
  return cgroupUsage(cgroupMounts(proc), { id, pid }, proc)
}

const v1Mounts = [
  '25 31 0:22 / ROOT/cg rw,relatime - tmpfs tmpfs rw,mode=755',
  '26 25 0:23 / ROOT/cg/cpu rw,relatime - cgroup cgroup rw,cpu',
  '27 25 0:24 / ROOT/cg/cpuacct rw,relatime - cgroup cgroup rw,cpuacct',
  '29 25 0:26 / ROOT/cg/memory rw,relatime - cgroup cgroup rw,memory',
  '32 25 0:29 / ROOT/cg/blkio rw,relatime - cgroup cgroup rw,blkio',
  '33 25 0:30 / ROOT/cg/pids rw,relatime - cgroup cgroup rw,pids',
]

const v1Cgroups = ['memory', 'blkio', 'pids', 'cpuacct'].map(
  (name, n) => `${9 - n}:${name}:/tsctr/${id}`,
)

const v1Files = {
  [`cg/cpuacct/tsctr/${id}/cpuacct.usage`]: '123456789012345678\n',
  [`cg/memory/tsctr/${id}/memory.usage_in_bytes`]: '6291456\n',
  [`cg/memory/tsctr/${id}/memory.limit_in_bytes`]: '67108864\n',
  [`cg/memory/tsctr/${id}/memory.stat`]:
    'cache 4194304\ninactive_file 1\ntotal_cache 4194304\ntotal_inactive_file 2097152\n',
  [`cg/pids/tsctr/${id}/pids.current`]: '7\n',
  [`cg/blkio/tsctr/${id}/blkio.throttle.io_service_bytes_recursive`]:
    '8:0 Read 4096\n8:0 Write 512\n8:0 Sync 512\n8:0 Total 4608\n253:0 Read 100\nTotal 4708\n',
}

const v1Usage: CgroupUsage = {
  cpuNs: 123456789012345678n,
  memoryBytes: 6291456 - 2097152,
  memoryLimitBytes: 67108864,
  readBytes: 4196,
  writtenBytes: 512,
  processes: 7,
}

describe('cgroup v1', () => {
  test('counts each thing in its controller', () => {
    assert.deepEqual(usageOn(v1Mounts, v1Cgroups, v1Files), v1Usage)
  })

  test('with a v2 tree beside it (hybrid) counts the same', () => {
    const mounts = [...v1Mounts, '36 25 0:33 / ROOT/cg/unified rw,relatime - cgroup2 cgroup2 rw']
    assert.deepEqual(usageOn(mounts, [...v1Cgroups, `0::/tsctr/${id}`], v1Files), v1Usage)
  })

  test('knows the kernel’s number for no limit', () => {
    const usage = usageOn(v1Mounts, v1Cgroups, {
      ...v1Files,
      [`cg/memory/tsctr/${id}/memory.limit_in_bytes`]: '9223372036854771712\n',
    })
    assert.equal(usage?.memoryLimitBytes, undefined)
    assert.equal(usage?.memoryBytes, v1Usage.memoryBytes)
  })

  test('says nothing of a controller that the host lacks', () => {
    const usage = usageOn(
      v1Mounts.filter((line) => !/pids|blkio/.test(line)),
      v1Cgroups,
      v1Files,
    )
    assert.deepEqual(usage, {
      ...v1Usage,
      processes: undefined,
      readBytes: undefined,
      writtenBytes: undefined,
    })
  })

  test('is read where only a part of it is mounted, as in a container', () => {
    const mounts = v1Mounts.map((line) => line.replace(' / ROOT/cg/', ' /outer ROOT/cg/'))
    const cgroups = v1Cgroups.map((line) => line.replace(':/tsctr', ':/outer/tsctr'))
    assert.deepEqual(usageOn(mounts, cgroups, v1Files), v1Usage)
  })
})

describe('cgroup v2', () => {
  const mounts = ['36 25 0:33 / ROOT/cg rw,nosuid - cgroup2 cgroup2 rw,nsdelegate']
  const files = {
    [`cg/tsctr/${id}/cpu.stat`]: 'usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n',
    [`cg/tsctr/${id}/memory.current`]: '6291456\n',
    [`cg/tsctr/${id}/memory.max`]: 'max\n',
    [`cg/tsctr/${id}/memory.stat`]: 'anon 4194304\nfile 2097152\ninactive_file 1048576\n',
    [`cg/tsctr/${id}/pids.current`]: '3\n',
    [`cg/tsctr/${id}/io.stat`]:
      '8:0 rbytes=4096 wbytes=512 rios=1 wios=1 dbytes=0 dios=0\n253:0 rbytes=1 wbytes=2 rios=1 wios=1\n254:0 \n',
  }
  const usage: CgroupUsage = {
    cpuNs: 2_500_000_000n,
    memoryBytes: 6291456 - 1048576,
    memoryLimitBytes: undefined,
    readBytes: 4097,
    writtenBytes: 514,
    processes: 3,
  }

  test('counts all in one tree', () => {
    assert.deepEqual(usageOn(mounts, [`0::/tsctr/${id}`], files), usage)
  })

  test('has a limit where there is one', () => {
    const limited = { ...files, [`cg/tsctr/${id}/memory.max`]: '67108864\n' }
    assert.equal(usageOn(mounts, [`0::/tsctr/${id}`], limited)?.memoryLimitBytes, 67108864)
  })

  // An init that makes cgroups of its own moves itself out of the container's.
  test('is the container’s where its first process went into a cgroup below', () => {
    assert.deepEqual(usageOn(mounts, [`0::/tsctr/${id}/init.scope`], files), usage)
  })

  test('without any file says nothing', () => {
    assert.deepEqual(usageOn(mounts, [`0::/tsctr/${id}`], {}), {
      cpuNs: undefined,
      memoryBytes: undefined,
      memoryLimitBytes: undefined,
      readBytes: undefined,
      writtenBytes: undefined,
      processes: undefined,
    })
  })
})

test('a process that is gone uses nothing', () => {
  assert.equal(cgroupUsage(cgroupMounts(), { id, pid: 2 ** 30 }), undefined)
})
