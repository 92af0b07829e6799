import { hasCode, TsctrError } from '../errors.ts'
import { runBriefly } from '../host/brief-program.ts'
import { programError } from '../host/exec.ts'
import { findProgram } from '../host/find-program.ts'
import { traced } from '../host/trace.ts'

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

/**
 * What an `nft list …` prints as JSON: the objects in it, without elements of maps and what is
 * counted. One at a time: with two in a process the second limits what the first lists (nft 1.0.6).
 *
 * @throws  RUNTIME_FAILED also if it is not there
 * Source: libnftables-json(5)
 */
export async function nftList(...args: readonly string[]): Promise<readonly NftObject[]> {
  const all = ['--json', '--terse', '--stateless', 'list', ...args]
  const stdout = await runNetworkProgram('nft', all)
  return (JSON.parse(stdout) as { nftables: readonly NftObject[] }).nftables
}

/** Whether `nft` failed because what it was asked for is not there. */
export function isMissing(error: unknown): boolean {
  return hasCode(error, 'RUNTIME_FAILED') && error.message.includes('No such file or directory')
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
 * Run one of the host's network programs.
 *
 * @returns  its stdout
 * @throws   FAILED_PRECONDITION if it is not installed, RUNTIME_FAILED with its words
 */
export async function runNetworkProgram(
  name: 'ip' | 'nft' | 'iptables-legacy',
  args: readonly string[],
  input?: string,
): Promise<string> {
  const env = { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
  const result = traced(name, () => runBriefly(networkProgram(name), args, { input, env }))
  if (result.exitCode !== 0) throw programError(name, args, result)
  return result.stdout
}

function networkProgram(name: string): string {
  try {
    return findProgram(name)
  } catch (error) {
    if (!(error instanceof TsctrError) || error.hint === undefined) throw error
    const { code, message, hint } = error
    throw new TsctrError(code, message, { hint: `${hint}, or run with --network host or none` })
  }
}
