import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, statSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeHostsToml } from '../../fixtures/hosts-toml.ts'
import { interfacesNamed } from '../../src/network/bridge.ts'
import { bridgeNameOf, userBridgePrefix } from '../../src/network/default-network.ts'
import { cleanUp } from './leaks.ts'

/** A tsctr with roots of its own, away from the machine's and from other tests'. */
export interface Sandbox {
  /** Everything of the sandbox lies below. */
  readonly directory: string
  readonly dataRoot: string
  readonly stateRoot: string
  readonly hostsDir: string
  /** Path of the tsctr that is run. */
  readonly program: string
  /** Take docker.io's images from a registry on loopback, `127.0.0.1:PORT`. */
  useRegistry(host: string): void
  /** Run tsctr to its end; a failure is an exit code, not an exception. */
  run(args: readonly string[], options?: RunOptions): Promise<RunResult>
  /** Start tsctr and leave it running; its end is awaited by `finished`. */
  start(args: readonly string[], options?: RunOptions): RunningCli
  /** End the sandbox's processes, undo its mounts, remove its files. */
  cleanup(): void
}

export interface RunOptions {
  /** Written to stdin, which is closed then; without it stdin is at its end from the start. */
  readonly input?: string | Buffer | undefined
  /** Leave stdin to the test, which writes to the child. */
  readonly keepsStdinOpen?: boolean | undefined
  readonly env?: NodeJS.ProcessEnv | undefined
  /** Killed after so long, which fails the test; a minute. */
  readonly timeoutMs?: number | undefined
  /** A program and its arguments that start tsctr: `setpriv …`. */
  readonly prefix?: readonly string[] | undefined
  /** Run this with the sandbox's environment in place of tsctr. */
  readonly program?: string | undefined
}

export interface RunResult {
  readonly stdout: string
  readonly stderr: string
  /** 128 + n after signal n, as a shell has it. */
  readonly exitCode: number
}

export interface RunningCli {
  readonly child: ChildProcess
  readonly finished: Promise<RunResult>
}

const root = join(import.meta.dirname, '..', '..')
const defaultTimeoutMs = 60_000
const signalBase = 128

/** Make a sandbox; call `cleanup` when done, whatever happened. */
export function createSandbox(): Sandbox {
  const directory = mkdtempSync(join(tmpdir(), 'tsctr-sandbox-'))
  const dataRoot = join(directory, 'lib')
  const stateRoot = join(directory, 'run')
  const hostsDir = join(directory, 'hosts')
  mkdirSync(hostsDir)
  const environment = {
    TSCTR_ROOT: dataRoot,
    TSCTR_STATE: stateRoot,
    TSCTR_HOSTS_DIR: hostsDir,
    // No credentials of whoever runs the tests, and none left there.
    HOME: directory,
  }
  const start: Sandbox['start'] = (args, options = {}) => {
    const [program = '', ...before] = [...(options.prefix ?? []), options.program ?? programPath()]
    const env = { ...process.env, ...environment, ...options.env }
    return follow(spawn(program, [...before, ...args], { env, stdio: 'pipe' }), options)
  }
  return {
    directory,
    dataRoot,
    stateRoot,
    hostsDir,
    program: programPath(),
    useRegistry: (host) => writeHostsToml(hostsDir, host),
    start,
    run: (args, options) => start(args, options).finished,
    cleanup: () => {
      removeBridge(dataRoot)
      cleanUp(directory)
    },
  }
}

/** Like docker's, bridges stay when the last container has gone. */
function removeBridge(dataRoot: string): void {
  if (!existsSync(dataRoot)) return
  for (const name of [bridgeNameOf(dataRoot), ...interfacesNamed(userBridgePrefix(dataRoot))]) {
    if (!existsSync(`/sys/class/net/${name}`)) continue
    execFileSync('ip', ['link', 'del', name])
    execFileSync('nft', [`add table inet ${name}; delete table inet ${name}`])
  }
}

/** The one-file build where it is up to date, else the program from source: both are the same. */
export function programPath(): string {
  cachedProgram ??= isBuildCurrent() ? join(root, 'dist', 'tsctr') : join(root, 'bin', 'tsctr')
  return cachedProgram
}

let cachedProgram: string | undefined

function isBuildCurrent(): boolean {
  const built = join(root, 'dist', 'tsctr')
  if (!existsSync(built)) return false
  const builtMs = statSync(built).mtimeMs
  const sources = globSync('src/**/*.ts', { cwd: root })
  return sources.every((path) => statSync(join(root, path)).mtimeMs < builtMs)
}

function follow(child: ChildProcess, options: RunOptions): RunningCli {
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] }
  child.stdout?.on('data', (chunk: Buffer) => chunks.stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => chunks.stderr.push(chunk))
  // A program that ends before it has read all of its input is no failure of the test.
  child.stdin?.on('error', () => {})
  if (options.keepsStdinOpen !== true) child.stdin?.end(options.input ?? '')
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs
  const finished = new Promise<RunResult>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new Error(`${child.spawnargs.join(' ')}: still running after ${timeoutMs} ms`))
    }, timeoutMs)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve({
        stdout: Buffer.concat(chunks.stdout).toString(),
        stderr: Buffer.concat(chunks.stderr).toString(),
        exitCode: code ?? signalBase + (signal === null ? 0 : constants.signals[signal]),
      })
    })
  })
  return { child, finished }
}
