import { existsSync } from 'node:fs'
import { hostFacts } from '../host/host-facts.ts'
import { emptyImageProcess } from '../oci/image-config.ts'
import { nilList, withOptional } from '../oci/nil.ts'
import { bundleOf } from '../runtime/bundle.ts'
import { containerFiles } from '../runtime/container-files.ts'
import { runningExecs } from '../runtime/exec-files.ts'
import type { ContainerRecord } from '../store/containers.ts'
import { listHealthResults } from '../store/health-results.ts'
import { asConfig } from './config.ts'
import { containerSize } from './container-size.ts'
import { dockerState } from './docker-state.ts'
import { imageConfigOf } from './image-process.ts'
import { inspectConfig } from './inspect/config.ts'
import { inspectGraphDriver } from './inspect/graph-driver.ts'
import { inspectHostConfig } from './inspect/host-config.ts'
import { inspectMounts } from './inspect/mounts.ts'
import { inspectNetworkSettings } from './inspect/network-settings.ts'
import { inspectState } from './inspect/state.ts'
import { logTargetOf } from './log-target.ts'
import { settled } from './settled.ts'
import { containerArgs } from './spec/command-line.ts'
import type { ContainerStores } from './stores.ts'

export interface InspectContainerOptions {
  /** Walk through what the container has written to know how much it is. */
  readonly withSize?: boolean | undefined
}

/**
 * Everything that is known of a container, in docker's form, as it is now.
 *
 * @param name  a name, an id or a start of one
 * @throws      NOT_FOUND
 * Source: docker Engine API "ContainerInspectResponse"; podman inspect for CreateCommand
 */
export async function inspectContainer(
  stores: ContainerStores,
  name: string,
  options: InspectContainerOptions = {},
): Promise<object> {
  const record = await withHealthTaken(stores, await settled(stores, name))
  const config = asConfig(record.config)
  const image = imageConfigOf(stores, record)?.process ?? emptyImageProcess
  const state = dockerState(record)
  const files = containerFiles(stores.dataRoot, record.id)
  const log = logTargetOf(stores.dataRoot, record)
  const [path = '', ...args] = containerArgs(config, image)
  const size = options.withSize === true ? containerSize(stores, record) : undefined
  const bundle = bundleOf(stores.stateRoot, record.namespace, record.id)
  const execs = runningExecs(bundle, record.id)
  const shown = {
    Id: record.id,
    Created: record.createdAt.toISOString(),
    Path: path,
    Args: args,
    State: inspectState(record, state, files, listHealthResults(stores.database, record.id)),
    Image: record.imageConfigDigest ?? '',
    ResolvConfPath: ifThere(files.resolvConf),
    HostnamePath: ifThere(files.hostname),
    HostsPath: ifThere(files.hosts),
    LogPath: log.driver === 'k8s-file' && log.path !== undefined ? ifThere(log.path) : '',
    Name: `/${record.name}`,
    RestartCount: record.restart.count,
    Driver: record.snapshotKey === undefined ? '' : record.snapshotter,
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: config.security.apparmorProfile ?? '',
    ExecIDs: execs.length === 0 ? nilList : execs,
    HostConfig: inspectHostConfig(record, hostFacts()),
    GraphDriver: inspectGraphDriver(stores, record),
    Mounts: inspectMounts(config, stores.dataRoot),
    Config: inspectConfig(record, image),
    NetworkSettings: inspectNetworkSettings(stores, record, {
      image,
      isRunning: state === 'running' || state === 'paused',
    }),
    CreateCommand: config.createCommand,
  }
  return withOptional(shown, {
    SizeRw: [size?.ownBytes, null],
    SizeRootFs: [size?.totalBytes, null],
    ImageManifestDescriptor: [undefined, null],
  })
}

/** Results that changed nothing lie where the helper has left them until somebody asks. */
async function withHealthTaken(
  stores: ContainerStores,
  record: ContainerRecord,
): Promise<ContainerRecord> {
  if (record.health === undefined || record.process === undefined) return record
  const { takeHealthResults } = await import('./health/take-results.ts')
  return takeHealthResults(stores, record.id, record.process) ?? record
}

/** Files are made when the container is first started. */
function ifThere(path: string): string {
  return existsSync(path) ? path : ''
}
