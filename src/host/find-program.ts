import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, resolve } from 'node:path'
import { TsctrError } from '../errors.ts'

/** Searched after PATH: users' PATH often lacks the system directories. */
export const systemDirectories: readonly string[] = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
]

/** Debian's package of the programs that tsctr asks for by itself, and of runtimes. */
const packages: ReadonlyMap<string, string> = new Map([
  ['conmon', 'conmon'],
  ['crun', 'crun'],
  ['ip', 'iproute2'],
  ['iptables-legacy', 'iptables'],
  ['nft', 'nftables'],
  ['runc', 'runc'],
])

/**
 * The path of a program that must be installed on the host. It is absolute, whatever PATH holds: it
 * is used from other directories, and is never taken for an option.
 *
 * @param nameOrPath  a path is not looked up
 * @throws            FAILED_PRECONDITION, with what to install
 */
export function findProgram(nameOrPath: string): string {
  if (nameOrPath.includes('/')) {
    if (isExecutable(nameOrPath)) return resolve(nameOrPath)
    throw new TsctrError('FAILED_PRECONDITION', `${nameOrPath}: not an executable file`)
  }
  const searched = [...(process.env.PATH ?? '').split(delimiter), ...systemDirectories]
  for (const directory of searched) {
    if (directory === '') continue
    const path = resolve(directory, nameOrPath)
    if (isExecutable(path)) return path
  }
  const debPackage = packages.get(nameOrPath)
  throw new TsctrError('FAILED_PRECONDITION', `${nameOrPath}: not installed`, {
    hint: debPackage && `apt-get install ${debPackage}`,
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
