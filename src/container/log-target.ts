import { existsSync } from 'node:fs'
import { TsctrError } from '../errors.ts'
import type { MonitoredProcess } from '../runtime/conmon.ts'
import type { MonitorLog } from '../runtime/conmon-program.ts'
import { containerFiles } from '../runtime/container-files.ts'
import { startLogKeeper } from '../runtime/log-keeper.ts'
import { asConfig, type LogConfig } from './config.ts'
import { logTag, type TaggedContainer } from './log-tag.ts'

const defaultLog: LogConfig = {
  driver: 'k8s-file',
  givenDriver: 'k8s-file',
  givenOptions: {},
  maxFiles: 1,
}

/** Source: systemd.journal-fields, sd_journal_sendv */
const journalSocket = '/run/systemd/journal/socket'

/** As docker bounds the copy that it keeps of a log which a driver sends away. */
const copyMaxBytes = 20 * 1024 * 1024

/** Where a container's output is written. */
export interface LogTarget extends LogConfig {
  /** The file that is written to; undefined if none is. */
  readonly path: string | undefined
}

/** What `--log-driver` and `--log-opt` come to. */
export function logTargetOf(
  dataRoot: string,
  container: Pick<TaggedContainer, 'id' | 'config'>,
): LogTarget {
  const log = asConfig(container.config).log ?? defaultLog
  const own = containerFiles(dataRoot, container.id).log
  switch (log.driver) {
    case 'none':
      return { ...log, path: undefined }
    case 'journald':
      // `logs` reads a copy; the journal has it all.
      return { ...log, path: own, maxSizeBytes: copyMaxBytes }
    case 'k8s-file':
      return { ...log, path: log.path ?? own }
  }
}

/** What the monitor is to be told. @throws FAILED_PRECONDITION if the host has no journal */
export function monitorLog(container: TaggedContainer, log: LogTarget): MonitorLog {
  const isSentToJournal = log.driver === 'journald'
  if (isSentToJournal) requireJournal()
  const { tag } = log.givenOptions
  return {
    path: log.path,
    maxSizeBytes: log.maxSizeBytes,
    isSentToJournal,
    tag: isSentToJournal && tag !== undefined ? logTag(tag, container) : undefined,
  }
}

/** A log of several files has somebody who keeps the older ones, as long as its monitor lives. */
export async function keepOlderLogs(
  { path, maxFiles }: LogTarget,
  { monitor }: MonitoredProcess,
): Promise<void> {
  if (path === undefined || maxFiles === 1 || monitor === undefined) return
  await startLogKeeper(path, maxFiles, monitor.pid)
}

/** @throws FAILED_PRECONDITION */
export function requireJournal(): void {
  if (existsSync(journalSocket)) return
  throw new TsctrError(
    'FAILED_PRECONDITION',
    `--log-driver journald: no journal on this host: ${journalSocket} is not there`,
    { hint: '--log-driver k8s-file' },
  )
}
