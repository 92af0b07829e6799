import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statsLayout, statsRow } from '../../../src/cli/commands/stats-row.ts'
import { renderRows } from '../../../src/cli/render/format.ts'
import type { ContainerSample } from '../../../src/container/stats.ts'
import type { ContainerRecord } from '../../../src/store/containers.ts'

type Usage = NonNullable<ContainerSample['usage']>

const id = 'b95a83497c9161c9b444e3d70e1a9dfba0c1840d41720e146a95a08ebf938afc'
const second = 1_000_000_000n

const nothing: Usage = {
  cpuNs: undefined,
  memoryBytes: undefined,
  memoryLimitBytes: undefined,
  readBytes: undefined,
  writtenBytes: undefined,
  processes: undefined,
  network: undefined,
}

function sample(atNs: bigint, usage: Usage | undefined, isRunning = true): ContainerSample {
  const record = { id, name: 'awesome_brattain' } as ContainerRecord
  return { record, asked: 'awe', isRunning, atNs, usage }
}

const full: Usage = {
  cpuNs: 5n * second,
  memoryBytes: 5.629 * 1024 * 1024,
  memoryLimitBytes: 64 * 1024 * 1024,
  readBytes: 147_000,
  writtenBytes: 0,
  processes: 9,
  network: { receivedBytes: 916, sentBytes: 0 },
}

// Source: docker stats, the example of its reference page, with a limit that every machine has.
test('the table is docker’s', () => {
  const before = sample(0n, { ...full, cpuNs: 5n * second - 2_800_000n })
  const row = statsRow(before, sample(second, full), { trunc: true })
  assert.equal(
    renderRows([row], statsLayout),
    `CONTAINER ID   NAME               CPU %     MEM USAGE / LIMIT   MEM %     NET I/O     BLOCK I/O    PIDS
b95a83497c91   awesome_brattain   0.28%     5.629MiB / 64MiB    8.80%     916B / 0B   147kB / 0B   9
`,
  )
})

test('json has docker’s fields', () => {
  const row = statsRow(sample(0n, full), sample(second, full), { trunc: false })
  assert.equal(
    renderRows([row], statsLayout, { format: 'json' }),
    `{"BlockIO":"147kB / 0B","CPUPerc":"0.00%","Container":"awe","ID":"${id}","MemPerc":"8.80%","MemUsage":"5.629MiB / 64MiB","Name":"awesome_brattain","NetIO":"916B / 0B","PIDs":"9"}\n`,
  )
})

test('several CPUs are more than a hundred percent', () => {
  const row = statsRow(
    sample(0n, { ...full, cpuNs: 0n }),
    sample(2n * second, { ...full, cpuNs: 5n * second }),
    { trunc: true },
  )
  assert.equal(row.CPUPerc, '250.00%')
})

test('what is not known is --, with one sample or after a restart the CPU', () => {
  const unknown = statsRow(sample(0n, nothing), sample(second, nothing), { trunc: true })
  const { CPUPerc, MemPerc, NetIO, BlockIO, PIDs } = unknown
  assert.deepEqual(
    { CPUPerc, MemPerc, NetIO, BlockIO, PIDs },
    {
      CPUPerc: '--',
      MemPerc: '--',
      NetIO: '--',
      BlockIO: '--',
      PIDs: '--',
    },
  )
  assert.match(String(unknown.MemUsage), /^-- \/ /)
  assert.equal(statsRow(undefined, sample(second, undefined), { trunc: true }).MemUsage, '-- / --')
  assert.equal(statsRow(undefined, sample(second, full), { trunc: true }).CPUPerc, '--')
  const restarted = sample(second, { ...full, cpuNs: 1n })
  assert.equal(statsRow(sample(0n, full), restarted, { trunc: true }).CPUPerc, '--')
})

// Source: docker stats --all, the example of its reference page: `0.00%  0B / 0B`
test('a container that does not run uses nothing', () => {
  const row = statsRow(undefined, sample(second, undefined, false), { trunc: true })
  assert.equal(
    renderRows([row], statsLayout, { format: '{{.CPUPerc}} {{.MemUsage}} {{.PIDs}}' }),
    '0.00% 0B / 0B 0\n',
  )
})
