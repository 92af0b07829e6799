import type { Command } from 'commander'
import { describeEngine, type EngineDescription } from '../../container/describe-engine.ts'
import { withContext } from '../context.ts'
import { programVersion } from '../program-version.ts'
import { renderObject } from '../render/one-object.ts'

interface InfoFlags {
  readonly format?: string
}

export function addInfoCommand(parent: Command): void {
  parent
    .command('info')
    .description('Show what tsctr works with on this machine')
    .option('-f, --format <template>', "a Go template, or 'json'")
    .action(({ format }: InfoFlags, command: Command) =>
      withContext(command, async (ctx) => {
        const engine = await describeEngine(ctx)
        const info = dockerInfo(engine, ctx.dataRoot)
        ctx.stdout.line(await renderObject(info, format, () => infoText(engine, info)))
        if (format === undefined) {
          for (const warning of engine.warnings) ctx.stderr.line(`WARNING: ${warning}`)
        }
      }),
    )
}

/** Source: docker Engine API "Get system information" */
function dockerInfo(engine: EngineDescription, dataRoot: string) {
  const { host, containers, runtime, monitor } = engine
  return {
    Containers: containers.running + containers.paused + containers.stopped,
    ContainersRunning: containers.running,
    ContainersPaused: containers.paused,
    ContainersStopped: containers.stopped,
    Images: engine.images,
    Driver: 'overlayfs',
    LoggingDriver: 'k8s-file',
    CgroupDriver: 'cgroupfs',
    CgroupVersion: cgroupVersion(engine),
    KernelVersion: host.kernelVersion,
    OperatingSystem: host.operatingSystem,
    OSVersion: host.operatingSystemVersion,
    OSType: 'linux',
    Architecture: host.architecture,
    NCPU: host.cpus,
    MemTotal: host.memoryBytes,
    DockerRootDir: dataRoot,
    Name: host.name,
    ServerVersion: programVersion,
    Runtimes: runtime === undefined ? {} : { runc: { path: runtime.path } },
    DefaultRuntime: 'runc',
    RuncVersion: runtime?.version ?? '',
    ConmonVersion: monitor?.version ?? '',
    SecurityOptions: securityOptions(engine),
    ...kernelSupport(engine),
    SystemTime: new Date().toISOString(),
    Debug: false,
    IndexServerAddress: 'https://index.docker.io/v1/',
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'null'],
      Authorization: null,
      Log: ['journald', 'json-file', 'k8s-file', 'none'],
    },
    Labels: [],
    ExperimentalBuild: false,
    // There is no swarm, and no daemon to keep containers alive for.
    Swarm: { LocalNodeState: 'inactive', ControlAvailable: false },
    LiveRestoreEnabled: true,
    Warnings: engine.warnings,
    ClientInfo: { Version: programVersion, Os: 'linux' },
  }
}

/** Which flags of `run` this host can do. */
function kernelSupport({ facts }: EngineDescription) {
  const { mode, hasSwapLimit } = facts.cgroup
  const hasLimits = mode !== 'none'
  return {
    MemoryLimit: hasLimits,
    SwapLimit: hasSwapLimit,
    CpuCfsPeriod: hasLimits,
    CpuCfsQuota: hasLimits,
    CPUShares: hasLimits,
    CPUSet: hasLimits,
    PidsLimit: hasLimits,
    OomKillDisable: mode === 'v1' || mode === 'hybrid',
  }
}

// docker knows two answers; on a hybrid host the controllers are those of version 1.
function cgroupVersion({ facts }: EngineDescription): '1' | '2' | '' {
  if (facts.cgroup.mode === 'none') return ''
  return facts.cgroup.mode === 'v2' ? '2' : '1'
}

// Source: docker "SecurityOptions": key=value pairs, the name first
function securityOptions({ facts }: EngineDescription): string[] {
  return [
    ...(facts.hasAppArmor ? ['name=apparmor'] : []),
    ...(facts.hasSeccomp ? ['name=seccomp,profile=builtin'] : []),
    ...(facts.cgroup.mode === 'v2' ? ['name=cgroupns'] : []),
  ]
}

function infoText(engine: EngineDescription, info: ReturnType<typeof dockerInfo>): string {
  const { host } = engine
  const counts = [
    ['Containers', String(info.Containers)],
    [' Running', String(info.ContainersRunning)],
    [' Paused', String(info.ContainersPaused)],
    [' Stopped', String(info.ContainersStopped)],
    ['Images', String(info.Images)],
  ] as const
  const parts = [
    ['Storage Driver', info.Driver],
    ['Logging Driver', info.LoggingDriver],
    ['Cgroup Driver', info.CgroupDriver],
    ['Cgroup Version', info.CgroupVersion],
    ['Default Runtime', info.DefaultRuntime],
    ['runc version', engine.runtime?.version ?? 'not installed'],
    ['conmon version', engine.monitor?.version ?? 'not installed'],
    ['Security Options', info.SecurityOptions.map((option) => option.slice(5)).join(' ')],
    ['Kernel Version', info.KernelVersion],
    ['Operating System', info.OperatingSystem],
    ['OSType', info.OSType],
    ['Architecture', info.Architecture],
    ['CPUs', String(info.NCPU)],
    ['Total Memory', `${(host.memoryBytes / 2 ** 30).toPrecision(4)}GiB`],
    ['Name', info.Name],
    ['Docker Root Dir', info.DockerRootDir],
  ] as const
  const lines = [...counts, ['Server Version', info.ServerVersion] as const, ...parts]
  return [
    `Client:\n Version: ${info.ClientInfo.Version}`,
    `Server:\n${lines.map(([title, value]) => ` ${title}: ${value}`).join('\n')}`,
  ].join('\n\n')
}
