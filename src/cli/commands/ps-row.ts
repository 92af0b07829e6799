import { asConfig, type ContainerConfig } from '../../container/config.ts'
import type { ContainerImages } from '../../container/container-images.ts'
import type { ContainerSize } from '../../container/container-size.ts'
import type { DockerState } from '../../container/docker-state.ts'
import type { ListedContainer } from '../../container/list-containers.ts'
import { networkNames } from '../../container/networks/attachments.ts'
import { containerArgs } from '../../container/spec/command-line.ts'
import { hasCode } from '../../errors.ts'
import type { PublishedPort } from '../../network/ports.ts'
import { emptyImageProcess, type ImageConfig } from '../../oci/image-config.ts'
import { formatPlatform } from '../../oci/platform.ts'
import { familiarRepository, parseReference } from '../../oci/reference.ts'
import type { ContainerRecord } from '../../store/containers.ts'
import { containerStatus } from '../render/container-status.ts'
import { ellipsis, shortId } from '../render/ellipsis.ts'
import { labelHeader, type Row, type RowLayout } from '../render/format.ts'
import { humanAge } from '../render/human-duration.ts'
import { humanSize } from '../render/human-size.ts'
import { localTime } from '../render/local-time.ts'
import { portsText } from '../render/ports.ts'
import { quoteGo } from '../render/template/go-quote.ts'

/** Source: docker ps, table and "Format the output"; podman ps for ExitCode, Pid, StartedAt */
export const psLayout: RowLayout = {
  headers: {
    ID: 'CONTAINER ID',
    Image: 'IMAGE',
    Command: 'COMMAND',
    CreatedAt: 'CREATED AT',
    RunningFor: 'CREATED',
    Ports: 'PORTS',
    State: 'STATE',
    Status: 'STATUS',
    HealthStatus: 'HEALTH STATUS',
    Names: 'NAMES',
    Size: 'SIZE',
    Labels: 'LABELS',
    Label: labelHeader,
    Mounts: 'MOUNTS',
    LocalVolumes: 'LOCAL VOLUMES',
    Networks: 'NETWORKS',
    Platform: 'PLATFORM',
    Runtime: 'RUNTIME',
    ExitCode: 'EXIT CODE',
    Pid: 'PID',
    StartedAt: 'STARTED AT',
  },
  table: ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names'],
}

export interface PsRowOptions {
  readonly images: Pick<ContainerImages, 'name' | 'config'>
  readonly now: Date
  /** What is published of a container. */
  readonly ports: (containerId: string) => readonly PublishedPort[]
  readonly trunc: boolean
  /** undefined where nobody asked for it. */
  readonly size: ContainerSize | undefined
}

const commandWidth = 20
const mountWidth = 15
const sizeDigits = 3

/** One container's line. Each field is worked out when it is shown. */
export function psRow(container: ListedContainer, options: PsRowOptions): Row {
  return new PsRow(container, options) as unknown as Row
}

/** Fields in the order of their names, for `{{json .}}`. A class, for rows are made by the hundred. */
class PsRow {
  readonly #record: ContainerRecord
  readonly #state: DockerState
  readonly #options: PsRowOptions

  constructor({ record, state }: ListedContainer, options: PsRowOptions) {
    this.#record = record
    this.#state = state
    this.#options = options
  }

  get Command(): string {
    const process = this.#image()?.process ?? emptyImageProcess
    const command = commandText(containerArgs(this.#config(), process))
    return quoteGo(this.#options.trunc ? ellipsis(command, commandWidth) : command)
  }

  get CreatedAt(): string {
    return localTime(this.#record.createdAt)
  }

  get ExitCode(): number {
    return this.#record.exitCode ?? 0
  }

  get HealthStatus(): string {
    return this.#record.health?.status ?? ''
  }

  get ID(): string {
    return this.#options.trunc ? shortId(this.#record.id) : this.#record.id
  }

  get Image(): string {
    return imageText(this.#options.images.name(this.#record), this.#options.trunc)
  }

  Label(name: string): string | undefined {
    const { labels } = this.#record
    return Object.hasOwn(labels, name) ? labels[name] : ''
  }

  get Labels(): string {
    const labels = Object.entries(this.#record.labels).map(([name, value]) => `${name}=${value}`)
    return labels.sort().join(',')
  }

  get LocalVolumes(): string {
    return String(this.#config().mounts.filter(({ type }) => type === 'volume').length)
  }

  get Mounts(): string {
    return this.#config()
      .mounts.flatMap((mount) => {
        if (mount.type === 'volume') return [mount.name ?? '']
        return mount.type === 'bind' ? [mount.source] : []
      })
      .map((source) => (this.#options.trunc ? ellipsis(source, mountWidth) : source))
      .join(',')
  }

  get Names(): string {
    return this.#record.name
  }

  get Networks(): string {
    return networkNames(this.#config()).join(',')
  }

  get Pid(): number {
    return (this.#state === 'running' ? this.#record.process?.pid : undefined) ?? 0
  }

  get Platform(): string {
    const platform = this.#image()?.platform
    return platform === undefined ? '' : formatPlatform(platform)
  }

  get Ports(): string {
    const { networkMode, exposedPorts = [] } = this.#config()
    if (this.#state !== 'running' || networkMode !== 'bridge') return ''
    const exposed = this.#image()?.process.exposedPorts ?? []
    return portsText(this.#options.ports(this.#record.id), [...exposed, ...exposedPorts])
  }

  get RunningFor(): string {
    return humanAge(this.#record.createdAt, this.#options.now)
  }

  get Runtime(): string {
    return this.#record.runtime.name
  }

  get Size(): string {
    return sizeText(this.#options.size)
  }

  get StartedAt(): string {
    const { startedAt } = this.#record
    return startedAt === undefined ? '' : localTime(startedAt)
  }

  get State(): DockerState {
    return this.#state
  }

  get Status(): string {
    const { startedAt, finishedAt, exitCode, health } = this.#record
    const parts = { startedAt, finishedAt, exitCode, ...(health === undefined ? {} : { health }) }
    return containerStatus({ ...parts, state: this.#state }, this.#options.now)
  }

  #config(): ContainerConfig {
    return asConfig(this.#record.config)
  }

  #image(): ImageConfig | undefined {
    return this.#options.images.config(this.#record)
  }
}

/** The name as docker shortens it: `redis:alpine`, without a digest. */
function imageText(name: string, trunc: boolean): string {
  if (!trunc) return name
  if (/^sha256:|^[0-9a-f]{64}$/.test(name)) return shortId(name)
  try {
    const reference = parseReference(name)
    const repository = familiarRepository(reference)
    const isTyped = reference.tag !== undefined && name.split('@')[0]?.endsWith(`:${reference.tag}`)
    return isTyped ? `${repository}:${reference.tag}` : repository
  } catch (error) {
    // The directory of a bare rootfs.
    if (!hasCode(error, 'INVALID_ARGUMENT')) throw error
    return name
  }
}

/** Docker quotes arguments with spaces, and those alone. */
function commandText([program = '', ...args]: readonly string[]): string {
  return [program, ...args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' ')
}

function sizeText(size: ContainerSize | undefined): string {
  if (size === undefined) return humanSize(0)
  const own = humanSize(size.ownBytes, sizeDigits)
  return size.totalBytes === 0 ? own : `${own} (virtual ${humanSize(size.totalBytes, sizeDigits)})`
}
