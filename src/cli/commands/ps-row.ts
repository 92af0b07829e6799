import { asConfig } from '../../container/config.ts'
import type { ContainerImages } from '../../container/container-images.ts'
import type { ContainerSize } from '../../container/container-size.ts'
import type { ListedContainer } from '../../container/list-containers.ts'
import { networkNames } from '../../container/networks/attachments.ts'
import { containerArgs } from '../../container/spec/process.ts'
import { hasCode } from '../../errors.ts'
import type { PublishedPort } from '../../network/ports.ts'
import { emptyImageProcess } from '../../oci/image-config.ts'
import { formatPlatform } from '../../oci/platform.ts'
import { familiarRepository, parseReference } from '../../oci/reference.ts'
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

/** One container's line. What needs the image is worked out only if the format shows it. */
export function psRow({ record, state }: ListedContainer, options: PsRowOptions): Row {
  const { images, now, trunc } = options
  const config = asConfig(record.config)
  const isRunning = state === 'running'
  return {
    ID: trunc ? shortId(record.id) : record.id,
    Names: record.name,
    get Image() {
      return imageText(images.name(record), trunc)
    },
    get Command() {
      const process = images.config(record)?.process ?? emptyImageProcess
      const command = commandText(containerArgs(config, process))
      return quoteGo(trunc ? ellipsis(command, commandWidth) : command)
    },
    get CreatedAt() {
      return localTime(record.createdAt)
    },
    RunningFor: humanAge(record.createdAt, now),
    get Ports() {
      if (!isRunning || config.networkMode !== 'bridge') return ''
      const exposed = images.config(record)?.process.exposedPorts ?? []
      return portsText(options.ports(record.id), [...exposed, ...(config.exposedPorts ?? [])])
    },
    State: state,
    Status: containerStatus({ ...record, state }, now),
    HealthStatus: record.health?.status ?? '',
    Size: sizeText(options.size),
    get Labels() {
      const labels = Object.entries(record.labels).map(([name, value]) => `${name}=${value}`)
      return labels.sort().join(',')
    },
    Label: (name: string) => (Object.hasOwn(record.labels, name) ? record.labels[name] : ''),
    Mounts: config.mounts
      .flatMap((mount) => {
        if (mount.type === 'volume') return [mount.name ?? '']
        return mount.type === 'bind' ? [mount.source] : []
      })
      .map((source) => (trunc ? ellipsis(source, mountWidth) : source))
      .join(','),
    LocalVolumes: String(config.mounts.filter(({ type }) => type === 'volume').length),
    Networks: networkNames(config).join(','),
    get Platform() {
      const platform = images.config(record)?.platform
      return platform === undefined ? '' : formatPlatform(platform)
    },
    Runtime: record.runtime.name,
    ExitCode: record.exitCode ?? 0,
    Pid: (isRunning ? record.process?.pid : undefined) ?? 0,
    get StartedAt() {
      return record.startedAt === undefined ? '' : localTime(record.startedAt)
    },
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
