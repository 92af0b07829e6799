import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from '../../src/host/database.ts'
import {
  CLONE_NEWNET,
  CLONE_NEWNS,
  MS_PRIVATE,
  MS_REC,
  mount,
  umount2,
  unshare,
} from '../../src/host/libc.ts'
import { runInNetworkNamespace } from '../../src/network/network-namespace.ts'
import { networkMigrations } from '../../src/network/schema.ts'

/**
 * Make this test process a host of its own: network and mounts that end with it, so the machine's
 * bridges, rules and routes are neither seen nor touched.
 */
export function becomePrivateHost(): void {
  unshare(CLONE_NEWNET | CLONE_NEWNS)
  mount('none', '/', undefined, MS_REC | MS_PRIVATE)
  mount('sysfs', '/sys', 'sysfs', 0)
  ip('link set lo up')
}

/** Run `body` on a host where no program is installed. */
export async function withoutPrograms<T>(body: () => Promise<T>): Promise<T> {
  const directories = [
    '/usr/local/sbin',
    '/usr/local/bin',
    '/usr/sbin',
    '/usr/bin',
    '/sbin',
    '/bin',
  ]
  const path = process.env.PATH
  process.env.PATH = ''
  for (const directory of directories) mount('none', directory, 'tmpfs', 0)
  try {
    return await body()
  } finally {
    for (const directory of directories.reverse()) umount2(directory)
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
    .listen(Number(process.argv[1]), '0.0.0.0', () => console.log('ready'))`

const clientProgram = `
  const [host, port] = process.argv.slice(1)
  const socket = require('node:net').connect({ host, port, timeout: 1000 })
  socket.on('data', (data) => process.stdout.write(data))
  socket.on('timeout', () => socket.destroy(new Error('timeout')))
  socket.on('error', (error) => { process.stdout.write(error.message); process.exit(1) })`

/** A server that tells each client under which address it came; started in the thread's namespace. */
export async function startServer(port: number): Promise<{ stop(): Promise<void> }> {
  const child = spawn(process.execPath, ['-e', serverProgram, String(port)], {
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
