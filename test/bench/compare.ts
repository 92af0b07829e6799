import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { runDockerRegistry } from '../../fixtures/docker-registry.ts'
import { largeImage } from '../../fixtures/images/large.ts'
import { pushImage } from '../../fixtures/images/push.ts'
import { machineFacts } from './machine.ts'
import { measure, median } from './measure.ts'
import { residentMemory } from './memory.ts'
import { peakMemory } from './peak-memory.ts'
import { startCtr } from './peers/ctr.ts'
import { startDocker } from './peers/docker.ts'
import { startLimit } from './peers/limit.ts'
import type { Peer, StartPeer, Trial } from './peers/peer.ts'
import { startPodman } from './peers/podman.ts'
import { startTsctr } from './peers/tsctr.ts'
import { makeDirectoriesPrivate } from './private-machine.ts'
import { type NamedRow, type RowName, rows, rowsOfLargeImage } from './rows.ts'
import { type Cell, markdownTable, type TableRow } from './table.ts'

/** The part of the bench that runs inside the private machine; started by bench.ts alone. */
interface Input {
  readonly scratch: string
  /** The registry storage with the fixture images. */
  readonly storage: string
  readonly program: string
  readonly rowNames: readonly RowName[]
  readonly times?: number
}

const input = JSON.parse(process.argv[2] ?? '') as Input
makeDirectoriesPrivate()
// No configuration of whoever runs the bench. Debian's programs come first: a docker elsewhere in
// PATH does not belong to Debian's dockerd.
process.env.HOME = input.scratch
process.env.PATH = `/usr/sbin:/usr/bin:/sbin:/bin:${process.env.PATH}`
const facts = await machineFacts(input.scratch)

const registryDir = '/dev/shm/registry'
const storage = join(registryDir, 'storage')
cpSync(input.storage, storage, { recursive: true })
const registry = await runDockerRegistry(registryDir)
const emptyRegistryDir = '/dev/shm/empty-registry'
const emptyRegistry = await runDockerRegistry(emptyRegistryDir)
if (rowsOfLargeImage.some((name) => input.rowNames.includes(name))) {
  console.error('bench: making the large image')
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  await pushImage(registry.host, 'library/large', 'latest', largeImage(architecture))
}
const peers = await startPeers()
const tableRows: TableRow[] = []
for (const row of rows.filter(({ name }) => input.rowNames.includes(name))) {
  console.error(`bench: ${row.name}`)
  const times = row.unit === 'bytes' ? 1 : (input.times ?? row.times)
  const cells = await cellsOf(row, times)
  for (const [name, cell] of cells) {
    if ('failure' in cell) console.error(`bench: ${row.name}: ${name}: ${cell.failure}`)
  }
  tableRows.push({ row, times, cells })
}
const names = peers.map(({ name }) => name).filter((name) => name !== 'tsctr')
console.log(markdownTable(tableRows, names))
console.log(`${[...new Set(peers.flatMap(({ versions }) => versions))].join(', ')}.`)
console.log(`${facts.join('; ')}.`)
await registry.stop()
await emptyRegistry.stop()
const hasFailed = tableRows.some(({ cells }) => 'failure' in (cells.get('tsctr') ?? {}))
process.exit(hasFailed ? 1 : 0)

/** Those that are installed and have something to do, in the order of the columns. */
async function startPeers(): Promise<Peer[]> {
  const starts: readonly StartPeer[] = onlyVersion()
    ? [startTsctr, startLimit]
    : [startTsctr, startDocker, startPodman, startCtr, startLimit]
  const started: Peer[] = []
  for (const [index, start] of starts.entries()) {
    const diskDir = join(input.scratch, String(index))
    const tmpfsDir = `/dev/shm/${index}`
    for (const dir of [diskDir, tmpfsDir]) mkdirSync(dir)
    const peer = await start({
      diskDir,
      tmpfsDir,
      registryHost: registry.host,
      registryStorage: storage,
      emptyRegistryHost: emptyRegistry.host,
      emptyRegistryStorage: join(emptyRegistryDir, 'storage'),
      program: input.program,
    })
    if (peer !== undefined) started.push(peer)
  }
  return started
}

/** The one row that docker, podman and ctr have no part in. */
function onlyVersion(): boolean {
  return input.rowNames.every((name) => name === 'version')
}

function cellsOf({ name, followsItself }: NamedRow, times: number): Promise<Map<string, Cell>> {
  if (name === 'memory') return memoryCells()
  return name === 'pull-peak' || name === 'push-peak'
    ? peakCells(name)
    : timeCells(name, times, followsItself)
}

async function peakCells(name: 'pull-peak' | 'push-peak'): Promise<Map<string, Cell>> {
  const cells = new Map<string, Cell>()
  for (const peer of peers) {
    const trial = peer.trials[name]
    if (trial !== undefined) cells.set(peer.name, await peakMemory(trial))
  }
  return cells
}

async function timeCells(
  name: Exclude<RowName, 'memory'>,
  times: number,
  followsItself: true | undefined,
) {
  const trials = new Map<string, Trial>()
  for (const peer of peers) {
    const trial = peer.trials[name]
    if (trial === undefined) continue
    const before = [...(trial.before ?? []), ...(followsItself ? [trial.command] : [])]
    trials.set(peer.name, { ...trial, before })
  }
  const cells = new Map<string, Cell>()
  for (const [peer, measured] of await measure(trials, times)) {
    const { note } = trials.get(peer) ?? {}
    cells.set(
      peer,
      'failure' in measured ? measured : { value: median(measured.durationsMs), note },
    )
  }
  return cells
}

async function memoryCells(): Promise<Map<string, Cell>> {
  const cells = new Map<string, Cell>()
  for (const { name, memory } of peers) {
    if (memory === undefined) continue
    try {
      cells.set(name, await residentMemory(memory))
    } catch (error) {
      cells.set(name, { failure: (error as Error).message })
    }
  }
  return cells
}
