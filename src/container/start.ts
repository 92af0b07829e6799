import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { TsctrError } from '../errors.ts'
import { unsyncedTransaction, writeTransaction } from '../host/database.ts'
import { hostFacts } from '../host/host-facts.ts'
import { mountAll } from '../host/mount.ts'
import { type Owner, selfAsOwner } from '../host/owner.ts'
import { traced } from '../host/trace.ts'
import { commitEndpoints } from '../network/addresses.ts'
import { commitPorts } from '../network/ports.ts'
import { formatRuntimeSpec } from '../oci/runtime-spec.ts'
import { type Bundle, bundleOf } from '../runtime/bundle.ts'
import { type MonitoredProcess, startMonitor } from '../runtime/conmon.ts'
import { containerFiles } from '../runtime/container-files.ts'
import { healthFiles, prepareHealthFiles } from '../runtime/health-files.ts'
import { deleteRuntime, runtimeOf, startRuntime } from '../runtime/runc.ts'
import { type ContainerRecord, findContainer, updateContainer } from '../store/containers.ts'
import { asConfig, type ContainerConfig, isRestarted } from './config.ts'
import { recordContainerEvent } from './container-event.ts'
import { prepareVolumes, withVolumesBound } from './container-volumes.ts'
import { endMonitor } from './end-monitor.ts'
import { openHealthHelper } from './health/health-helper.ts'
import { healthProbeOf } from './health/healthcheck.ts'
import { startingHealth } from './health/next-health.ts'
import { imageProcessOf } from './image-process.ts'
import { isPaused } from './is-paused.ts'
import { withContainerLock } from './lock.ts'
import { keepOlderLogs, logTargetOf, monitorLog } from './log-target.ts'
import { isRunning } from './observe.ts'
import { prepareNamespaces } from './prepare-namespaces.ts'
import { type ContainerNetwork, prepareNetwork } from './prepare-network.ts'
import { releaseRun } from './release-run.ts'
import { recordTaken } from './run-events.ts'
import { settleLocked } from './settle.ts'
import { prepareBindSources } from './spec/bind-sources.ts'
import { buildSpec } from './spec/build-spec.ts'
import { buildExecProcess } from './spec/process.ts'
import { openRootDirectory } from './spec/root-directory.ts'
import type { SpecInput } from './spec/spec-input.ts'
import type { ContainerStores } from './stores.ts'

export interface StartRequest {
  readonly name: string
  /** Called when the container is created and its program waits: time to attach, so nothing is missed. */
  readonly beforeStart?: ((bundle: Bundle) => void) | undefined
  /** By the restart policy, which wanted it then: nothing happens if it wants it no more. */
  readonly restartDueAt?: Date | undefined
}

/**
 * Run a container that is created or has ended.
 *
 * @returns  the record of the running container (what runs already is left as it is)
 * @throws   FAILED_PRECONDITION if it is paused; RUNTIME_FAILED with docker's exit code where the program cannot be run; everything taken
 *           for the run is given back and the container is as it was
 */
export async function startContainer(
  stores: ContainerStores,
  request: StartRequest,
): Promise<ContainerRecord> {
  const { id } = findContainer(stores.database, stores.namespace, request.name)
  return withContainerLock(stores, id, async (found) => {
    await settleLocked(stores, found)
    const record = findContainer(stores.database, stores.namespace, id)
    if (isRunning(record)) {
      if (isPaused(record)) throw paused(record.name)
      request.beforeStart?.(bundleOf(stores.stateRoot, record.namespace, id))
      return record
    }
    if (!isStillDue(record, request)) return record
    // The hook of the last run, which waits to start it again, is not needed any more.
    if (record.restart.at !== undefined) endMonitor(record)
    try {
      await startLocked(stores, record, request)
    } catch (error) {
      await undoStart(stores, record, error)
      throw error
    }
    return findContainer(stores.database, stores.namespace, id)
  })
}

/** In docker's words. Source: moby daemon/start.go */
function paused(name: string): TsctrError {
  const message = `container ${name}: cannot start a paused container, try unpause instead`
  return new TsctrError('FAILED_PRECONDITION', message, { hint: `tsctr unpause ${name}` })
}

function isStillDue({ restart }: ContainerRecord, { restartDueAt }: StartRequest): boolean {
  return restartDueAt === undefined || restart.at?.getTime() === restartDueAt.getTime()
}

async function startLocked(
  stores: ContainerStores,
  record: ContainerRecord,
  request: StartRequest,
): Promise<void> {
  const bundle = bundleOf(stores.stateRoot, record.namespace, record.id)
  const { dataRoot, database } = stores
  const config = withVolumesBound({ dataRoot, bundle }, asConfig(record.config))
  const files = containerFiles(stores.dataRoot, record.id)
  const runtime = runtimeOf(stores.stateRoot, record.namespace, record.runtime)
  unsyncedTransaction(stores.database, () =>
    updateContainer(stores.database, record.id, {
      state: 'starting',
      owner: selfAsOwner(),
      error: '',
      isStopRequested: false,
      restart:
        request.restartDueAt === undefined
          ? { count: 0, delayMs: undefined, at: undefined }
          : { ...record.restart, count: record.restart.count + 1, at: undefined },
    }),
  )
  rmSync(files.exit, { force: true })
  rmSync(files.oom, { force: true })
  mkdirSync(bundle.directory, { recursive: true, mode: 0o700 })
  mkdirSync(runtime.stateDir, { recursive: true, mode: 0o700 })
  prepareBindSources(asConfig(record.config).mounts)
  const rootfsPath = traced('mount the root filesystem', () => mountRootfs(stores, record, bundle))
  await prepareVolumes({ dataRoot, database, bundle }, asConfig(record.config).mounts, rootfsPath)
  const log = logTargetOf(stores.dataRoot, record)
  const monitor = startMonitor({
    containerId: record.id,
    containerName: record.name,
    bundle,
    runtime,
    persistDirectory: files.directory,
    log: monitorLog(record, log),
    hasTerminal: config.tty,
    hasStdin: config.openStdin,
    leavesStdinOpen: config.openStdin && (config.tty || !config.attaches?.includes('stdin')),
    exitCommand: [...stores.selfCommand, 'internal', 'on-exit', record.id],
    timeoutS: config.timeoutS,
    exitDelayS: request.beforeStart === undefined || isRestarted(config) ? 0 : 1,
  })
  let monitored: MonitoredProcess
  try {
    const network = await traced('prepare the network', () =>
      prepareNetwork(stores, record, bundle),
    )
    const namespaces = await prepareNamespaces(stores, record, bundle)
    traced('write the spec', () =>
      writeSpec(stores, record, { config, bundle, rootfsPath, network, namespaces }),
    )
    // The runtime sets them, and some are of an interface.
    const isFirst = Object.keys(config.sysctls).some((name) => name.startsWith('net.'))
    if (isFirst) await network.plugIn()
    const created = traced('runtime create', () => monitor.create())
    const plugged = isFirst ? undefined : network.plugIn()
    // Both have ended when one has failed: what they have made is then taken back.
    await Promise.allSettled([created, plugged])
    monitored = await created
    await plugged
  } finally {
    monitor.close()
  }
  unsyncedTransaction(stores.database, () => {
    updateContainer(stores.database, record.id, { ...monitored })
    commitEndpoints(stores.database, record.id, monitored.process)
    commitPorts(stores.database, record.id, monitored.process)
  })
  await keepOlderLogs(log, monitored)
  request.beforeStart?.(bundle)
  await startRuntime(runtime, record.id)
  recordRunning(stores, record, monitored.process)
}

/** The container runs: with what checks its health, if something does. */
function recordRunning(stores: ContainerStores, record: ContainerRecord, container: Owner): void {
  const startedAt = new Date()
  const run = { process: container, startedAt, health: startingHealth }
  const helper = openHealthHelper(stores, record, run)
  try {
    // Synced, and with it all that creating and starting has written.
    writeTransaction(stores.database, () => {
      updateContainer(stores.database, record.id, {
        state: 'running',
        owner: undefined,
        exitCode: undefined,
        startedAt,
        finishedAt: undefined,
        health: helper && { ...startingHealth, helper: helper.owner },
      })
      recordTaken(stores, record)
      recordContainerEvent(stores.database, record, 'start')
    })
    helper?.begin()
  } finally {
    helper?.close()
  }
}

/** @returns where the runtime finds the root filesystem */
function mountRootfs(stores: ContainerStores, record: ContainerRecord, bundle: Bundle): string {
  const { rootfs } = asConfig(record.config)
  if (rootfs !== undefined) return rootfs
  if (record.snapshotKey === undefined) throw new Error(`bug: ${record.id} has no snapshot`)
  mkdirSync(bundle.rootfs, { recursive: true, mode: 0o755 })
  mountAll(stores.snapshotter(record.snapshotter).mounts(record.snapshotKey), bundle.rootfs)
  return bundle.rootfs
}

function writeSpec(
  stores: ContainerStores,
  record: ContainerRecord,
  made: {
    readonly config: ContainerConfig
    readonly bundle: Bundle
    readonly rootfsPath: string
    readonly network: ContainerNetwork
    readonly namespaces: Pick<SpecInput, 'peers' | 'sharedMemory'>
  },
): void {
  const root = openRootDirectory(made.rootfsPath)
  try {
    const input = {
      config: made.config,
      image: imageProcessOf(stores, record),
      containerId: record.id,
      rootfsPath: made.rootfsPath,
      root,
      network: made.network.namespace,
      files: made.network.etcFiles,
      ...made.namespaces,
      facts: hostFacts(),
    }
    writeFileSync(made.bundle.config, formatRuntimeSpec(buildSpec(input)), { mode: 0o600 })
    writeHealthProcess(made.bundle, input)
  } finally {
    root.close()
  }
}

/** The check runs as `exec` would run it: as the container's user, with its environment. */
function writeHealthProcess(bundle: Bundle, input: SpecInput): void {
  const probe = healthProbeOf(input.config.healthcheck, input.image.shell)
  if (probe === undefined) return
  const process = buildExecProcess(input, {
    args: probe.args,
    env: [],
    user: undefined,
    workdir: undefined,
    tty: false,
    isPrivileged: false,
  })
  prepareHealthFiles(healthFiles(bundle), process)
}

/** Give back what the run took; a second failure must not hide the first. */
async function undoStart(
  stores: ContainerStores,
  record: ContainerRecord,
  error: unknown,
): Promise<void> {
  try {
    const runtime = runtimeOf(stores.stateRoot, record.namespace, record.runtime)
    await deleteRuntime(runtime, record.id)
    await releaseRun(stores, record)
    updateContainer(stores.database, record.id, {
      state: record.state === 'exited' ? 'exited' : 'created',
      exitCode: error instanceof TsctrError ? error.exitCode : undefined,
      error: error instanceof Error ? error.message : String(error),
      process: undefined,
      monitor: undefined,
      owner: undefined,
    })
  } catch {
    // The record stays `starting` with an owner that will be dead: the next command settles it.
  }
}
