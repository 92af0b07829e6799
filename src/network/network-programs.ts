import { hasCode, TsctrError } from '../errors.ts'
import { runProgram } from '../host/exec.ts'

/** Debian's package of each program. */
const packages = { ip: 'iproute2', nft: 'nftables', 'iptables-legacy': 'iptables' } as const

/**
 * Run commands of `ip`, one a line, in one process; the first that fails ends it.
 *
 * @throws  FAILED_PRECONDITION if `ip` is not installed, RUNTIME_FAILED with the kernel's words
 */
export async function ipBatch(commands: readonly string[]): Promise<void> {
  await runNetworkProgram('ip', ['-batch', '-'], `${commands.join('\n')}\n`)
}

/** Apply commands of `nft` as one transaction: all of them or none. */
export async function nftApply(commands: string): Promise<void> {
  await runNetworkProgram('nft', ['-f', '-'], commands)
}

/** What an `nft list …` prints as JSON: the objects in it. Source: libnftables-json(5) */
export async function nftList(...args: readonly string[]): Promise<readonly NftObject[]> {
  const stdout = await runNetworkProgram('nft', ['--json', '--handle', 'list', ...args])
  const { nftables } = JSON.parse(stdout) as { nftables: readonly NftObject[] }
  return nftables
}

/** The parts of nft's objects that are read here. */
export interface NftObject {
  readonly chain?: NftChain
  readonly rule?: NftRule
}

export interface NftChain {
  readonly family: string
  readonly table: string
  readonly name: string
  /** These two for base chains only. */
  readonly hook?: string
  readonly policy?: string
}

export interface NftRule {
  readonly family: string
  readonly table: string
  readonly chain: string
  readonly handle: number
  readonly comment?: string
}

/**
 * Run one of the host's network programs; PATH is widened by the system directories, which users'
 * PATH often lacks.
 *
 * @returns  its stdout
 */
export async function runNetworkProgram(
  name: keyof typeof packages,
  args: readonly string[],
  input?: string,
): Promise<string> {
  const path = `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`
  try {
    const env = { ...process.env, PATH: path, LC_ALL: 'C' }
    return (await runProgram(name, args, { input, env })).stdout
  } catch (error) {
    if (!hasCode(error, 'FAILED_PRECONDITION')) throw error
    throw new TsctrError('FAILED_PRECONDITION', `${name}: not installed`, {
      hint: `apt-get install ${packages[name]}, or run with --network host or none`,
      cause: error,
    })
  }
}
