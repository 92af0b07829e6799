import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '../../src/host/database.ts'
import { systemDirectories } from '../../src/host/find-program.ts'
import {
  CLONE_NEWNET,
  CLONE_NEWNS,
  MNT_DETACH,
  MS_BIND,
  MS_PRIVATE,
  MS_REC,
  mount,
  umount2,
  unshare,
} from '../../src/host/libc.ts'
import { type Owner, selfAsOwner } from '../../src/host/owner.ts'
import { allocateAddress } from '../../src/network/allocate-address.ts'
import { connectEndpoint, releaseEndpoints } from '../../src/network/endpoint.ts'
import {
  createNetworkNamespace,
  removeNetworkNamespace,
  runInNetworkNamespace,
} from '../../src/network/network-namespace.ts'
import type { Network } from '../../src/network/networks.ts'
import { networkMigrations } from '../../src/network/schema.ts'

/**
 * Make this test process a host of its own: network and mounts that end with it, so the machine's
 * bridges, rules and routes are neither seen nor touched.
 */
export function becomePrivateHost(): void {
  unshare(CLONE_NEWNET | CLONE_NEWNS)
  mount('none', '/', undefined, MS_REC | MS_PRIVATE)
  // Containers that are run here need what is mounted below /sys/fs/cgroup.
  const cgroup = mkdtempSync(join(tmpdir(), 'tsctr-cgroup-'))
  mount('/sys/fs/cgroup', cgroup, undefined, MS_BIND | MS_REC)
  mount('sysfs', '/sys', 'sysfs', 0)
  mount(cgroup, '/sys/fs/cgroup', undefined, MS_BIND | MS_REC)
  umount2(cgroup, MNT_DETACH)
  rmdirSync(cgroup)
  ip('link set lo up')
}

/** Run `body` on a host where no program is installed. */
export async function withoutPrograms<T>(body: () => Promise<T>): Promise<T> {
  const path = process.env.PATH
  process.env.PATH = ''
  for (const directory of systemDirectories) mount('none', directory, 'tmpfs', 0)
  try {
    return await body()
  } finally {
    for (const directory of systemDirectories.toReversed()) umount2(directory)
    process.env.PATH = path
  }
}

export interface PrivateDataRoot {
  readonly dataRoot: string
  readonly database: Database
  /** A path for the namespace of a container. */
  netns(containerId: string): string
  remove(): void
}

/** A data root with a database; several of them share the host, as on a real machine. */
export function makeDataRoot(): PrivateDataRoot {
  // The blank has to survive the way through ip's batch language.
  const dataRoot = mkdtempSync(join(tmpdir(), 'tsctr network-'))
  const database = openDatabase(join(dataRoot, 'meta.db'), networkMigrations)
  return {
    dataRoot,
    database,
    netns: (containerId) => join(dataRoot, 'run', containerId, 'netns'),
    remove: () => {
      database.close()
      rmSync(dataRoot, { recursive: true, force: true })
    },
  }
}

export interface Outside {
  /** The network namespace of a neighbour of the host. */
  readonly netns: string
  remove(): void
}

export const outsideAddress = '203.0.113.2'
export const hostAddress = '203.0.113.1'

/** A neighbour on the way out of the private host, which knows no route to its containers. */
export function makeOutside(): Outside {
  const dir = mkdtempSync(join(tmpdir(), 'tsctr-outside-'))
  const netns = join(dir, 'netns')
  createNetworkNamespace(netns)
  ip(
    `link add uplink mtu 1450 type veth peer name eth0 mtu 1450 netns ${netns}`,
    `addr add ${hostAddress}/24 dev uplink`,
    'link set uplink up',
    `route add default via ${outsideAddress}`,
  )
  runInNetworkNamespace(netns, () =>
    ip('link set lo up', `addr add ${outsideAddress}/24 dev eth0`, 'link set eth0 up'),
  )
  return {
    netns,
    remove: () => {
      removeNetworkNamespace(netns)
      rmSync(dir, { recursive: true })
    },
  }
}

export interface Plugged {
  readonly id: string
  readonly netns: string
  readonly address: string
  readonly hostInterface: string
}

/** What a run does for a container's network. */
export async function plugIn(
  { database, netns }: PrivateDataRoot,
  network: Network,
  owner: Owner = selfAsOwner(),
): Promise<Plugged> {
  const id = randomBytes(8).toString('hex')
  const path = netns(id)
  createNetworkNamespace(path)
  const request = { networkName: network.name, containerId: id, owner }
  const endpoint = await allocateAddress(database, request)
  await connectEndpoint(endpoint, { network, netnsPath: path, hasDefaultRoute: true })
  return { id, netns: path, address: endpoint.address, hostInterface: endpoint.hostInterface }
}

export async function unplug({ database }: PrivateDataRoot, { id, netns }: Plugged): Promise<void> {
  await releaseEndpoints(database, id)
  removeNetworkNamespace(netns)
}

/** A new container reaches the neighbour, who sees the host's address. */
export async function assertReachesOutside(
  place: PrivateDataRoot,
  outside: Outside,
  network: Network,
): Promise<void> {
  const one = await plugIn(place, network)
  const server = await runInNetworkNamespace(outside.netns, () => startServer(8000))
  try {
    const seen = runInNetworkNamespace(one.netns, () => ask(outsideAddress, 8000))
    assert.equal(seen, hostAddress)
  } finally {
    await server.stop()
    await unplug(place, one)
  }
}

/** Run one or more commands of `ip`, one a line. */
export function ip(...commands: readonly string[]): void {
  execFileSync('ip', ['-batch', '-'], { input: `${commands.join('\n')}\n` })
}

export function output(file: string, ...args: readonly string[]): string {
  return execFileSync(file, args, { encoding: 'utf8' })
}

/** Run a program inside a network namespace. */
export function outputInside(netns: string, file: string, ...args: readonly string[]): string {
  return runInNetworkNamespace(netns, () => output(file, ...args))
}

const serverProgram = `
  require('node:net').createServer((socket) => socket.end(socket.remoteAddress))
    .listen(Number(process.argv[1]), process.argv[2], () => console.log('ready'))`

const clientProgram = `
  const [host, port] = process.argv.slice(1)
  const socket = require('node:net').connect({ host, port, timeout: 1000 })
  socket.on('data', (data) => process.stdout.write(data))
  socket.on('timeout', () => socket.destroy(new Error('timeout')))
  socket.on('error', (error) => { process.stdout.write(error.message); process.exit(1) })`

/** A server that tells each client under which address it came; started in the thread's namespace. */
export async function startServer(
  port: number,
  address = '0.0.0.0',
): Promise<{ stop(): Promise<void> }> {
  const child = spawn(process.execPath, ['-e', serverProgram, String(port), address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // A test that fails half way must not wait for it for ever.
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  child.unref()
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => {
      child.stdout.destroy()
      resolve()
    })
    child.once('close', () => reject(new Error('the server has ended')))
  })
  return {
    stop: () => {
      process.off('exit', kill)
      kill()
      child.ref()
      return closed
    },
  }
}

/** Connect from the thread's namespace; what the server says, or throws if it cannot be reached. */
export function ask(address: string, port: number): string {
  return output(process.execPath, '-e', clientProgram, address, String(port))
}
