import type { Database } from '../host/database.ts'
import { describeHost, type HostDescription } from '../host/describe-host.ts'
import { type HostFacts, hostFacts } from '../host/host-facts.ts'
import { type InstalledProgram, installedProgram } from '../runtime/installed-program.ts'
import { runcFaults } from '../runtime/runc-faults.ts'
import { listImages } from '../store/images.ts'
import { type ContainerCounts, countContainers } from './count-containers.ts'

export interface EngineDescription {
  readonly host: HostDescription
  readonly facts: HostFacts
  readonly containers: ContainerCounts
  readonly images: number
  /** undefined if not installed. */
  readonly runtime: InstalledProgram | undefined
  readonly monitor: InstalledProgram | undefined
  /** What does not work, or not well, on this machine: sentences for the user. */
  readonly warnings: readonly string[]
}

/** The store as far as it is there: describing an engine must not make one. */
export interface MaybeStore {
  readonly namespace: string
  readonly hasDatabase: boolean
  readonly database: Database
}

/** What tsctr has to work with here. */
export async function describeEngine(store: MaybeStore): Promise<EngineDescription> {
  const [runtime, monitor] = await Promise.all([
    installedProgram('runc'),
    installedProgram('conmon'),
  ])
  const facts = hostFacts()
  return {
    host: describeHost(),
    facts,
    containers: store.hasDatabase
      ? countContainers(store.database, store.namespace)
      : { running: 0, paused: 0, stopped: 0 },
    images: store.hasDatabase ? listImages(store.database, store.namespace).length : 0,
    runtime,
    monitor,
    warnings: warningsFor(facts, runtime, monitor),
  }
}

function warningsFor(
  facts: HostFacts,
  runtime: InstalledProgram | undefined,
  monitor: InstalledProgram | undefined,
): string[] {
  const found = [
    runtime === undefined ? 'runc is not installed: containers cannot run' : undefined,
    monitor === undefined ? 'conmon is not installed: containers cannot run' : undefined,
    runtime === undefined ? undefined : runcFaults(runtime.version),
    facts.cgroup.mode === 'none'
      ? 'no cgroup filesystem in /sys/fs/cgroup: containers cannot be limited'
      : undefined,
    facts.hasSeccomp ? undefined : 'the kernel has no seccomp: system calls are not filtered',
    facts.capabilities.includes('CAP_SYS_RESOURCE')
      ? undefined
      : 'no CAP_SYS_RESOURCE: --ulimit and --oom-score-adj cannot go beyond the limits of this process',
  ]
  return found.filter((warning) => warning !== undefined)
}
