import { resolve } from 'node:path'
import {
  type ContainerConfig,
  isRestarted,
  peerOf,
  type ResourceLimits,
} from '../../container/config.ts'
import { keyValues, resolveEnv } from '../../container/flag-values/key-values.ts'
import { logConfig } from '../../container/flag-values/log-opt.ts'
import { defaultSecurity } from '../../container/flag-values/security-opt.ts'
import { limitContradiction } from '../../container/limit-contradiction.ts'
import { TsctrError } from '../../errors.ts'
import type { PullPolicy } from '../../image/pull-policy.ts'
import { limitsFrom } from './limit-flags.ts'
import { blockIoFrom } from './run-block-io-flags.ts'
import type { RunFlags, StdioName } from './run-flags.ts'
import { healthcheckFrom } from './run-health-flags.ts'
import { dnsFrom } from './run-name-flags.ts'
import { networkModeOf, networksFromFlags } from './run-networks.ts'

/** What `run` does around the container; it is no part of the container. */
export interface RunOptions {
  readonly detach: boolean
  /** undefined: as `-i` says. */
  readonly attach: readonly StdioName[] | undefined
  /** undefined: docker's. */
  readonly detachKeys: Buffer | undefined
  readonly sigProxy: boolean
  readonly quiet: boolean
  /** Return when the container is healthy. */
  readonly waits: boolean
  readonly pull: PullPolicy
  readonly platform: string | undefined
  /** Absolute; there was no such file. */
  readonly cidfile: string | undefined
  readonly pidfile: string | undefined
  /** Remove the container that has the name. */
  readonly replaces: boolean
  /** Name or path of the OCI runtime; undefined for the default. */
  readonly runtime: string | undefined
}

/**
 * The container that a command line asks for.
 *
 * @param image  the first operand; a directory with --rootfs
 * @param args   the operands after it
 * @throws       INVALID_ARGUMENT for flags that contradict each other
 */
export function configFromFlags(
  flags: RunFlags,
  image: string,
  args: readonly string[],
): ContainerConfig {
  refuseContradictions(flags)
  const files = [...(flags.envFile ?? []), ...(flags.dotenvFile ?? [])]
  return {
    image: flags.rootfs === true ? '' : image,
    rootfs: flags.rootfs === true ? resolve(image) : undefined,
    name: flags.name,
    platform: flags.platform,
    createCommand: ['tsctr', ...process.argv.slice(2)],
    attaches: attachedStreams(flags),
    idFile: flags.cidfile,
    entrypoint: entrypointOf(flags),
    command: args,
    env: resolveEnv({ files: files.flat(), flags: flags.env ?? [] }, process.env),
    workdir: flags.workdir,
    user: flags.user,
    groupAdd: flags.groupAdd ?? [],
    umask: flags.umask,
    tty: flags.tty ?? false,
    openStdin: flags.interactive ?? false,
    init: flags.init === true || flags.initBinary !== undefined,
    initBinary: flags.initBinary,
    stopSignal: flags.stopSignal,
    stopTimeoutS: flags.stopTimeout,
    timeoutS: flags.timeout || undefined,
    autoRemove: flags.rm ?? false,
    restartPolicy: flags.restart,
    log: logConfig(flags.logDriver, flags.logOpt ?? [], process.cwd()),
    healthcheck: healthcheckFrom(flags),
    hostname: flags.hostname,
    domainname: flags.domainname,
    ...networksFromFlags(flags),
    ports: flags.publish?.flat(),
    publishesAll: flags.publishAll,
    exposedPorts: flags.expose?.flat(),
    pidMode: flags.pid ?? 'private',
    ipcMode: flags.ipc ?? 'private',
    usernsMode: flags.userns,
    dns: dnsFrom(flags),
    extraHosts: flags.addHost,
    utsMode: flags.uts ?? 'private',
    cgroupnsMode: flags.cgroupns,
    cgroupParent: flags.cgroupParent,
    labels: keyValues([...(flags.labelFile ?? []).flat(), ...(flags.label ?? [])]),
    annotations: keyValues(flags.annotation ?? []),
    mounts: [...(flags.volume ?? []), ...(flags.mount ?? []), ...(flags.tmpfs ?? [])],
    volumesFrom: flags.volumesFrom,
    readOnly: flags.readOnly ?? false,
    shmSizeBytes: flags.shmSize,
    devices: flags.device ?? [],
    deviceRules: flags.deviceCgroupRule,
    privileged: flags.privileged ?? false,
    capAdd: flags.capAdd ?? [],
    capDrop: flags.capDrop ?? [],
    security: flags.securityOpt ?? defaultSecurity,
    sysctls: Object.fromEntries(flags.sysctl ?? []),
    ulimits: lastOfEach(flags.ulimit ?? [], ({ name }) => name),
    resources: resourcesFrom(flags),
  }
}

/** The flags that say what to do around the container. */
export function runOptionsFromFlags(flags: RunFlags): RunOptions {
  return {
    detach: flags.detach ?? false,
    attach: flags.attach,
    detachKeys: flags.detachKeys,
    sigProxy: flags.sigProxy ?? true,
    quiet: flags.quiet ?? false,
    waits: flags.wait ?? false,
    pull: flags.pull,
    platform: flags.platform,
    cidfile: flags.cidfile,
    replaces: flags.replace ?? false,
    pidfile: flags.pidfile === undefined ? undefined : resolve(flags.pidfile),
    runtime: flags.runtime,
  }
}

function attachedStreams({ detach, attach, interactive }: RunFlags): readonly StdioName[] {
  if (detach === true) return []
  return attach ?? [...(interactive === true ? (['stdin'] as const) : []), 'stdout', 'stderr']
}

function entrypointOf({ entrypoint }: RunFlags): string[] | undefined {
  if (entrypoint === undefined) return undefined
  return entrypoint === '' ? [] : [entrypoint]
}

function resourcesFrom(flags: RunFlags): ResourceLimits {
  return {
    ...limitsFrom(flags),
    realtimePeriodUs: flags.cpuRtPeriod,
    realtimeRuntimeUs: flags.cpuRtRuntime,
    memorySwappiness: flags.memorySwappiness,
    oomScoreAdj: flags.oomScoreAdj,
    isOomKillDisabled: flags.oomKillDisable ?? false,
    blockIo: blockIoFrom(flags),
    cgroupFiles: flags.cgroupConf === undefined ? undefined : Object.fromEntries(flags.cgroupConf),
  }
}

function refuseContradictions(flags: RunFlags): void {
  const contradiction = limitContradiction(limitsFrom(flags))
  if (contradiction !== undefined) throw new TsctrError('INVALID_ARGUMENT', contradiction)
  const problems: readonly (readonly [boolean, string])[] = [
    [flags.uts === 'host' && flags.hostname !== undefined, '--hostname: contradicts --uts host'],
    [
      flags.uts === 'host' && flags.domainname !== undefined,
      '--domainname: contradicts --uts host',
    ],
    [
      flags.rm === true && isRestarted({ restartPolicy: flags.restart }),
      '--restart: contradicts --rm',
    ],
    [flags.replace === true && flags.name === undefined, '--replace: needs --name'],
    ...networkContradictions(flags),
    [flags.detach === true && flags.attach !== undefined, '--attach: contradicts --detach'],
    [flags.wait === true && flags.detach !== true, '--wait: needs --detach'],
  ]
  const problem = problems.find(([isThere]) => isThere)
  if (problem !== undefined) throw new TsctrError('INVALID_ARGUMENT', problem[1])
}

/** Whose network is joined, its names and its files in /etc are too. */
function networkContradictions(flags: RunFlags): readonly (readonly [boolean, string])[] {
  const mode = networkModeOf(flags)
  if (peerOf(mode) === undefined) return []
  const given = [
    ['--hostname', flags.hostname],
    ['--domainname', flags.domainname],
    ['--add-host', flags.addHost],
    ['--dns', flags.dns],
    ['--dns-search', flags.dnsSearch],
    ['--dns-option', flags.dnsOption ?? flags.dnsOpt],
  ] as const
  return given.map(([flag, value]) => [
    value !== undefined,
    `${flag}: contradicts --network ${mode}`,
  ])
}

function lastOfEach<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()]
}
