import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { isErrno, TsctrError } from '../../errors.ts'
import type { LogConfig, LogDriver } from '../config.ts'
import { checkLogTag } from '../log-tag.ts'
import { requireJournal } from '../log-target.ts'
import { oneOf } from './one-of.ts'
import { parseSize } from './size.ts'

const driverNames = ['k8s-file', 'json-file', 'journald', 'none'] as const

export type LogDriverName = (typeof driverNames)[number]

export type LogOption = readonly [name: string, value: string]

/** What chooses the attributes that `logs --details` shows. */
const attributeOptions = ['tag', 'labels', 'labels-regex', 'env', 'env-regex']

const optionsOf: Readonly<Record<LogDriver, readonly string[]>> = {
  'k8s-file': ['max-size', 'max-file', 'path', 'log-path', 'mode', ...attributeOptions],
  journald: ['mode', 'tag'],
  none: [],
}

/** `json-file` is docker's name of what is kept as k8s-file. @throws INVALID_ARGUMENT */
export function parseLogDriver(text: string): LogDriverName {
  return oneOf(...driverNames)(text)
}

/** `name=value`; what it means is the driver's. @throws INVALID_ARGUMENT */
export function parseLogOption(text: string): LogOption {
  const [name = '', value] = text.split(/=(.*)/s)
  if (name !== '' && value !== undefined) return [name, value]
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be NAME=VALUE`)
}

/**
 * How a container's output is logged. An option that the driver does nothing with is refused.
 *
 * @param workingDirectory  what a relative path is relative to
 * @returns                 undefined if nothing was asked for
 * @throws                  INVALID_ARGUMENT, in words that begin with the flag; FAILED_PRECONDITION
 *                          for journald where the host has no journal
 * Source: docker "Configure logging drivers"; podman-run.1 --log-opt path; nerdctl log-path
 */
export function logConfig(
  name: LogDriverName | undefined,
  options: readonly LogOption[],
  workingDirectory: string,
): LogConfig | undefined {
  if (name === undefined && options.length === 0) return undefined
  const givenDriver = name ?? 'k8s-file'
  const driver = givenDriver === 'json-file' ? 'k8s-file' : givenDriver
  if (driver === 'journald') requireJournal()
  const given = new Map(options)
  for (const option of given.keys()) refuseUnknown(driver, givenDriver, option)
  const maxSizeBytes = read(given, 'max-size', maxSize)
  const maxFiles = read(given, 'max-file', maxFile) ?? 1
  if (given.has('max-file') && maxSizeBytes === undefined) {
    throw new TsctrError('INVALID_ARGUMENT', '--log-opt max-file: needs max-size too')
  }
  read(given, 'mode', oneOf('blocking'))
  read(given, 'tag', checkLogTag)
  for (const option of ['labels-regex', 'env-regex']) read(given, option, regularExpression)
  if (given.has('path') && given.has('log-path')) {
    throw new TsctrError('INVALID_ARGUMENT', '--log-opt path: contradicts log-path')
  }
  const path = (text: string): string => logPath(resolve(workingDirectory, text))
  return {
    driver,
    givenDriver,
    givenOptions: Object.fromEntries(given),
    path: read(given, 'path', path) ?? read(given, 'log-path', path),
    maxSizeBytes,
    maxFiles,
  }
}

function refuseUnknown(driver: LogDriver, givenDriver: string, option: string): void {
  const known = optionsOf[driver]
  if (known.includes(option)) return
  throw new TsctrError(
    'INVALID_ARGUMENT',
    `--log-opt ${option}: log driver ${givenDriver} has no such option`,
    { hint: known.length === 0 ? 'it takes no options' : known.join(', ') },
  )
}

function read<T>(
  given: ReadonlyMap<string, string>,
  name: string,
  parse: (text: string) => T,
): T | undefined {
  const text = given.get(name)
  if (text === undefined) return undefined
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TsctrError)) throw error
    throw new TsctrError(error.code, `--log-opt ${name} ${error.message}`, { hint: error.hint })
  }
}

/** docker's -1 is no limit. */
function maxSize(text: string): number | undefined {
  return text === '-1' ? undefined : parseSize(text, 1)
}

function maxFile(text: string): number {
  if (/^[1-9]\d{0,2}$/.test(text)) return Number(text)
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be from 1 to 999`)
}

function regularExpression(text: string): string {
  try {
    new RegExp(text)
    return text
  } catch (cause) {
    const message = `${JSON.stringify(text)}: not a regular expression`
    throw new TsctrError('INVALID_ARGUMENT', message, { cause })
  }
}

/** The directory must be there, and a log that is there is gone on with. */
function logPath(path: string): string {
  const isDirectory = (at: string): boolean => {
    try {
      return statSync(at).isDirectory()
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) return false
      throw error
    }
  }
  // The path becomes an argument of the monitor, and a line of its messages.
  if (/[\0\r\n]/.test(path)) {
    throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(path)}: must be one line`)
  }
  if (isDirectory(path)) throw new TsctrError('INVALID_ARGUMENT', `${path}: is a directory`)
  if (isDirectory(dirname(path))) return path
  throw new TsctrError('INVALID_ARGUMENT', `${path}: there is no directory ${dirname(path)}`)
}
