import { readFileSync } from 'node:fs'
import { availableParallelism, hostname, machine, release, totalmem } from 'node:os'
import { isErrno } from '../errors.ts'

export interface HostDescription {
  readonly name: string
  readonly kernelVersion: string
  /** As the distribution calls itself: `Debian GNU/Linux 12 (bookworm)`. */
  readonly operatingSystem: string
  readonly operatingSystemVersion: string
  /** As `uname -m` says: `x86_64`. */
  readonly architecture: string
  /** That this process may run on. */
  readonly cpus: number
  readonly memoryBytes: number
}

/** What this machine calls itself, and its size. */
export function describeHost(): HostDescription {
  const distribution = osRelease()
  return {
    name: hostname(),
    kernelVersion: release(),
    operatingSystem: distribution.get('PRETTY_NAME') ?? distribution.get('NAME') ?? 'Linux',
    operatingSystemVersion: distribution.get('VERSION_ID') ?? '',
    architecture: machine(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
  }
}

/** Source: os-release(5) */
function osRelease(): ReadonlyMap<string, string> {
  const text = readOr('/etc/os-release', readOr('/usr/lib/os-release', ''))
  const lines = text.matchAll(/^([A-Z_]+)=(?:"((?:\\.|[^"\\])*)"|'([^']*)'|(.*))$/gm)
  return new Map(
    Array.from(lines, ([, key = '', double, single, plain]) => [
      key,
      double?.replace(/\\(.)/g, '$1') ?? single ?? plain ?? '',
    ]),
  )
}

function readOr(path: string, fallback: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'EINVAL')) return fallback
    throw error
  }
}
