import { type ContainerSample, cpuPercent, memoryLimitBytes } from '../../container/stats.ts'
import { shortId } from '../render/ellipsis.ts'
import type { Row, RowLayout } from '../render/format.ts'
import { humanMemory, humanSize } from '../render/human-size.ts'

/** Source: docker stats, table and "Format the output" */
export const statsLayout: RowLayout = {
  headers: {
    Container: 'CONTAINER',
    ID: 'CONTAINER ID',
    Name: 'NAME',
    CPUPerc: 'CPU %',
    MemUsage: 'MEM USAGE / LIMIT',
    MemPerc: 'MEM %',
    NetIO: 'NET I/O',
    BlockIO: 'BLOCK I/O',
    PIDs: 'PIDS',
  },
  table: ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'],
}

const sizeDigits = 3

/**
 * One container's line: zeros if it does not run, `--` for what is not known.
 *
 * @param before  an earlier sample of the same container
 */
export function statsRow(
  before: ContainerSample | undefined,
  now: ContainerSample,
  { trunc }: { readonly trunc: boolean },
): Row {
  const { record, usage } = now
  const names = {
    Container: now.asked,
    ID: trunc ? shortId(record.id) : record.id,
    Name: record.name,
  }
  if (!now.isRunning) return { ...names, ...zeros }
  const limitBytes = usage && memoryLimitBytes(usage)
  const memory = usage?.memoryBytes
  return {
    ...names,
    CPUPerc: percent(cpuPercent(before, now)),
    MemUsage: pair(memory, limitBytes, humanMemory),
    MemPerc: percent(memory === undefined || !limitBytes ? undefined : (memory / limitBytes) * 100),
    NetIO: io(usage?.network?.receivedBytes, usage?.network?.sentBytes),
    BlockIO: io(usage?.readBytes, usage?.writtenBytes),
    PIDs: usage?.processes === undefined ? unknown : String(usage.processes),
  }
}

const unknown = '--'

const zeros = {
  CPUPerc: '0.00%',
  MemUsage: '0B / 0B',
  MemPerc: '0.00%',
  NetIO: '0B / 0B',
  BlockIO: '0B / 0B',
  PIDs: '0',
}

function percent(value: number | undefined): string {
  return value === undefined ? unknown : `${value.toFixed(2)}%`
}

function io(inBytes: number | undefined, outBytes: number | undefined): string {
  if (inBytes === undefined && outBytes === undefined) return unknown
  return pair(inBytes, outBytes, (bytes) => humanSize(bytes, sizeDigits))
}

function pair(
  first: number | undefined,
  second: number | undefined,
  show: (bytes: number) => string,
): string {
  const text = (bytes: number | undefined): string => (bytes === undefined ? unknown : show(bytes))
  return `${text(first)} / ${text(second)}`
}
