import { type Command, Option } from 'commander'
import type {
  ConfiguredMount,
  ContainerConfig,
  DeviceMapping,
  DeviceRule,
  RestartPolicy,
  SecurityOptions,
  TmpfsMount,
  Ulimit,
} from '../../container/config.ts'
import { parseDetachKeys } from '../../container/detach-keys.ts'
import { parseCapability } from '../../container/flag-values/capability.ts'
import { parseCgroupFile } from '../../container/flag-values/cgroup-file.ts'
import { parseDevice } from '../../container/flag-values/device.ts'
import { parseDeviceRule } from '../../container/flag-values/device-rule.ts'
import { readDotenvFile } from '../../container/flag-values/dotenv-file.ts'
import { parseKeyValue } from '../../container/flag-values/key-values.ts'
import {
  type LogDriverName,
  type LogOption,
  parseLogDriver,
  parseLogOption,
} from '../../container/flag-values/log-opt.ts'
import { parseMount, parseTmpfs } from '../../container/flag-values/mount.ts'
import {
  parseCgroupParent,
  parseContainerName,
  parseEnvEntry,
  parseHostname,
  parseUser,
  parseWorkdir,
} from '../../container/flag-values/names.ts'
import {
  parseIpcMode,
  parsePidMode,
  parseUsernsMode,
} from '../../container/flag-values/namespace-mode.ts'
import {
  type NetworkFlag,
  parseAlias,
  parseIpv4,
  parseIpv6,
  parseMacAddress,
  parseNetwork,
} from '../../container/flag-values/network.ts'
import { parseUmask, wholeNumber } from '../../container/flag-values/number.ts'
import { oneOf } from '../../container/flag-values/one-of.ts'
import { parseExpose, parsePublish } from '../../container/flag-values/publish.ts'
import { parseRestartPolicy } from '../../container/flag-values/restart-policy.ts'
import { addSecurityOption, defaultSecurity } from '../../container/flag-values/security-opt.ts'
import { parseSize } from '../../container/flag-values/size.ts'
import { parseSysctl } from '../../container/flag-values/sysctl.ts'
import { parseUlimit } from '../../container/flag-values/ulimit.ts'
import { newFilePath, readValueFile } from '../../container/flag-values/value-file.ts'
import { parseVolume } from '../../container/flag-values/volume.ts'
import { hostPlatform } from '../../host/platform.ts'
import { type PullPolicy, pullPolicies } from '../../image/pull-policy.ts'
import type { PortRequest } from '../../network/allocate-ports.ts'
import { parsePlatform } from '../../oci/platform.ts'
import { parseSignal } from '../../oci/signal.ts'
import { repeated, single } from '../flag-parser.ts'
import { addLimitFlags, type LimitFlags } from './limit-flags.ts'
import { addRefusedFlags, refusedRunFlags } from './refused-flags.ts'
import { addBlockIoFlags, type BlockIoFlags } from './run-block-io-flags.ts'
import { addHealthFlags, type HealthFlags } from './run-health-flags.ts'
import { addNameFlags, type NameFlags } from './run-name-flags.ts'

/** What commander makes of the flags of `run` and `create`; names as it derives them. */
export interface RunFlags extends BlockIoFlags, HealthFlags, LimitFlags, NameFlags {
  readonly annotation?: readonly string[]
  readonly attach?: readonly StdioName[]
  readonly capAdd?: readonly string[]
  readonly capDrop?: readonly string[]
  readonly cgroupConf?: readonly (readonly [string, string])[]
  readonly cgroupParent?: string
  readonly cgroupns?: 'private' | 'host'
  readonly cidfile?: string
  readonly cpuRtPeriod?: number
  readonly cpuRtRuntime?: number
  readonly detach?: boolean
  readonly detachKeys?: Buffer
  readonly device?: readonly DeviceMapping[]
  readonly deviceCgroupRule?: readonly DeviceRule[]
  readonly domainname?: string
  readonly dotenvFile?: readonly (readonly string[])[]
  readonly entrypoint?: string
  readonly env?: readonly string[]
  readonly envFile?: readonly (readonly string[])[]
  readonly expose?: readonly (readonly string[])[]
  readonly groupAdd?: readonly string[]
  readonly hostname?: string
  readonly init?: boolean
  readonly initBinary?: string
  readonly interactive?: boolean
  readonly ipc?: ContainerConfig['ipcMode']
  readonly label?: readonly string[]
  readonly labelFile?: readonly (readonly string[])[]
  readonly logDriver?: LogDriverName
  readonly logOpt?: readonly LogOption[]
  readonly memorySwappiness?: number
  readonly mount?: readonly ConfiguredMount[]
  readonly name?: string
  readonly ip?: string
  readonly ip6?: string
  readonly macAddress?: string
  readonly net?: readonly NetworkFlag[]
  readonly netAlias?: readonly string[]
  readonly network?: readonly NetworkFlag[]
  readonly networkAlias?: readonly string[]
  readonly oomKillDisable?: boolean
  readonly oomScoreAdj?: number
  readonly pid?: ContainerConfig['pidMode']
  readonly pidfile?: string
  readonly platform?: string
  readonly privileged?: boolean
  readonly publish?: readonly (readonly PortRequest[])[]
  readonly publishAll?: boolean
  readonly pull: PullPolicy
  readonly quiet?: boolean
  readonly readOnly?: boolean
  readonly replace?: boolean
  readonly restart?: RestartPolicy
  readonly rm?: boolean
  readonly rootfs?: boolean
  readonly runtime?: string
  readonly securityOpt?: SecurityOptions
  readonly shmSize?: number
  readonly sigProxy?: boolean
  readonly stopSignal?: string
  readonly stopTimeout?: number
  readonly sysctl?: readonly (readonly [string, string])[]
  readonly timeout?: number
  readonly tmpfs?: readonly TmpfsMount[]
  readonly tty?: boolean
  readonly ulimit?: readonly Ulimit[]
  readonly umask?: number
  readonly user?: string
  readonly userns?: 'host'
  readonly uts?: 'host' | 'private'
  readonly volume?: readonly ConfiguredMount[]
  readonly volumesFrom?: readonly string[]
  readonly wait?: boolean
  readonly workdir?: string
}

export type StdioName = 'stdin' | 'stdout' | 'stderr'

/** conmon counts in 32 bits. */
const maxTimeoutS = 2 ** 31 - 1
/**
 * Add docker's flags for making a container. A bad value is refused while parsing.
 *
 * @param kind  `create` has no flags for what happens while the container runs
 */
export function addRunFlags(command: Command, kind: 'run' | 'create'): Command {
  // -h is the host name.
  command.helpOption('--help', 'print this help')
  if (kind === 'run') addRunningFlags(command)
  addProcessFlags(command)
  addIdentityFlags(command)
  addHealthFlags(command)
  addIsolationFlags(command)
  addNameFlags(command)
  addSecurityFlags(command)
  addResourceFlags(command)
  addBlockIoFlags(command)
  addRefusedFlags(command, refusedRunFlags)
  return command
}

function addRunningFlags(command: Command): void {
  command
    .option('-d, --detach', 'run in the background and print the container ID')
    .option(
      '--detach-keys <keys>',
      'keys that leave the container running (default "ctrl-p,ctrl-q")',
      single('--detach-keys', parseDetachKeys),
    )
    .option('--pidfile <file>', 'write the PID of the process')
    .option('--wait', 'with -d, return when the container is healthy; tsctr’s own')
    .option('--sig-proxy', 'pass signals on to the process (default)', true)
    .addOption(new Option('--no-sig-proxy').hideHelp())
}

function addProcessFlags(command: Command): void {
  const stream = (text: string): StdioName =>
    oneOf<StdioName>('stdin', 'stdout', 'stderr')(text.toLowerCase())
  command
    .option(
      '-a, --attach <stream>',
      'attach to stdin, stdout or stderr only',
      list('--attach', stream),
    )
    .option('-i, --interactive', 'keep stdin open')
    .option('-t, --tty', 'allocate a pseudo-terminal')
    .option('--entrypoint <program>', 'replace the ENTRYPOINT of the image; empty clears it')
    .option('-e, --env <name=value>', 'set an environment variable', list('--env', parseEnvEntry))
    .option('--env-file <file>', 'read environment variables', list('--env-file', readValueFile))
    .option(
      '--dotenv-file <file>',
      'the same with the quotes of a shell',
      list('--dotenv-file', readDotenvFile),
    )
    .option('-w, --workdir <path>', 'working directory', single('--workdir', parseWorkdir))
    .option('-u, --user <user[:group]>', 'user name or ID', single('--user', parseUser))
    .option('--group-add <group>', 'add a group', list('--group-add', asIs))
    .option('--umask <mask>', 'file mode mask, octal', single('--umask', parseUmask))
    .option('--init', 'run a small init that passes signals on and reaps processes')
    .option('--init-binary <program>', 'the init to use (default: tini or catatonit as found)')
    .option('--stop-signal <signal>', 'signal that stops it', single('--stop-signal', signalName))
    .option(
      '--stop-timeout <seconds>',
      'seconds before SIGKILL; -1 for no end',
      single('--stop-timeout', wholeNumber(-1)),
    )
    .option(
      '--timeout <seconds>',
      'kill it when it has run for so long; 0 for no end',
      single('--timeout', wholeNumber(0, maxTimeoutS)),
    )
}

function addIdentityFlags(command: Command): void {
  command
    .option('--name <name>', 'name of the container', single('--name', parseContainerName))
    .option('--replace', 'remove the container that has the name')
    .option('-l, --label <name=value>', 'set a label', list('--label', parseKeyValue))
    .option('--label-file <file>', 'read labels', list('--label-file', readValueFile))
    .option(
      '--log-driver <driver>',
      'k8s-file (default; also json-file), journald or none',
      single('--log-driver', parseLogDriver),
    )
    .option(
      '--log-opt <name=value>',
      'max-size, max-file, path, tag, labels, env of the log driver',
      list('--log-opt', parseLogOption),
    )
    .option('--annotation <name=value>', 'pass to the runtime', list('--annotation', parseKeyValue))
    .option('--cidfile <file>', 'write the container ID', single('--cidfile', newFilePath))
    .option('--rm', 'remove the container when it ends')
    .option(
      '--restart <policy>',
      'no, on-failure[:max-retries], always or unless-stopped (default "no")',
      single('--restart', parseRestartPolicy),
    )
    .option(
      '--pull <when>',
      'pull the image: always, missing, never or newer',
      single('--pull', oneOf(...pullPolicies)),
      'missing' as const,
    )
    .option('-q, --quiet', 'suppress the progress of a pull')
    .option('--platform <os/arch>', 'platform of the image', single('--platform', platformText))
    .option('--rootfs', 'the operand is a root filesystem, not an image')
    .option('--runtime <runtime>', 'OCI runtime, name or path (default "runc")')
}

function addIsolationFlags(command: Command): void {
  const volume = (text: string): ConfiguredMount => parseVolume(text, process.cwd())
  const mount = (text: string): ConfiguredMount => parseMount(text, process.cwd())
  command
    .option(
      '-v, --volume <[source:]target>',
      'mount a host path, or a volume by its name',
      list('--volume', volume),
    )
    .option(
      '--volumes-from <container[:ro]>',
      'mount what another container mounts',
      list('--volumes-from', asIs),
    )
    .option('--mount <fields>', 'mount: type=bind|volume|tmpfs,…', list('--mount', mount))
    .option('--tmpfs <path[:options]>', 'mount a tmpfs', list('--tmpfs', parseTmpfs))
    .option('--read-only', 'mount the root filesystem read-only')
    .option('--shm-size <size>', 'size of /dev/shm (default 64m)', size('--shm-size'))
    .option(
      '--network <network>',
      'a network, again for more; or host, none, container:NAME, ns:PATH',
      list('--network', parseNetwork),
    )
    .addOption(new Option('--net <network>').hideHelp().argParser(list('--net', parseNetwork)))
    .option(
      '--network-alias <name>',
      'one more name in the network',
      list('--network-alias', parseAlias),
    )
    .addOption(
      new Option('--net-alias <name>').hideHelp().argParser(list('--net-alias', parseAlias)),
    )
    .option('--ip <address>', 'its address in the network', single('--ip', parseIpv4))
    .option('--ip6 <address>', 'its IPv6 address in the network', single('--ip6', parseIpv6))
    .option(
      '--mac-address <address>',
      'its hardware address in the network',
      single('--mac-address', parseMacAddress),
    )
    .option(
      '-p, --publish <[[address:]port:]port[/protocol]>',
      'send what comes to a port of the host to the container',
      list('--publish', parsePublish),
    )
    .option('-P, --publish-all', 'publish all exposed ports on ports that are free')
    .option(
      '--expose <port[/protocol]>',
      'note a port as one that it listens on',
      list('--expose', parseExpose),
    )
    .option('-h, --hostname <name>', 'host name', single('--hostname', parseHostname))
    .option('--domainname <name>', 'NIS domain name', single('--domainname', parseHostname))
    .option('--pid <mode>', 'PID namespace', single('--pid', parsePidMode))
    .option('--ipc <mode>', 'IPC namespace', single('--ipc', parseIpcMode))
    .option('--uts <mode>', 'UTS namespace', single('--uts', oneOf('private', 'host')))
    .option('--userns <mode>', 'user namespace: host', single('--userns', parseUsernsMode))
    .option('--cgroupns <mode>', 'cgroup namespace', single('--cgroupns', oneOf('private', 'host')))
}

function addSecurityFlags(command: Command): void {
  const security = (text: string, before: SecurityOptions = defaultSecurity): SecurityOptions =>
    single('--security-opt', (value) => addSecurityOption(value, before))(text)
  command
    .option('--privileged', 'give all capabilities and devices, and no confinement')
    .option('--cap-add <capability>', 'add a capability', list('--cap-add', parseCapability))
    .option('--cap-drop <capability>', 'drop a capability', list('--cap-drop', parseCapability))
    .option('--security-opt <option>', 'seccomp=, apparmor=, no-new-privileges, …', security)
    .option('--device <host[:container[:rwm]]>', 'add a device', list('--device', parseDevice))
    .option(
      '--device-cgroup-rule <rule>',
      'devices that may be used: "c 1:3 rwm"',
      list('--device-cgroup-rule', parseDeviceRule),
    )
    .option('--sysctl <name=value>', 'kernel setting of a namespace', list('--sysctl', parseSysctl))
    .option('--ulimit <name=soft[:hard]>', 'limit of the process', list('--ulimit', parseUlimit))
}

function addResourceFlags(command: Command): void {
  addLimitFlags(command)
    .option(
      '--cpu-rt-period <µs>',
      'length of a realtime period',
      number('--cpu-rt-period', 1, 1000000),
    )
    .option(
      '--cpu-rt-runtime <µs>',
      'realtime CPU time in each period',
      number('--cpu-rt-runtime', 0, 1000000),
    )
    .option('--memory-swappiness <0-100>', 'swappiness', number('--memory-swappiness', 0, 100))
    .option('--oom-kill-disable', 'do not kill when out of memory')
    .option(
      '--oom-score-adj <-1000-1000>',
      'OOM preference',
      number('--oom-score-adj', -1000, 1000),
    )
    .option(
      '--cgroup-conf <file=value>',
      'write to a file of the cgroup (v2)',
      list('--cgroup-conf', parseCgroupFile),
    )
    .option('--cgroup-parent <path>', 'parent cgroup', single('--cgroup-parent', parseCgroupParent))
}

const list = repeated

function number(flag: string, min: number, max?: number): (text: string) => number {
  return single(flag, wholeNumber(min, max))
}

function size(flag: string, minBytes = 1): (text: string) => number {
  return single(flag, (text) => parseSize(text, minBytes))
}

function asIs(text: string): string {
  return text
}

function signalName(text: string): string {
  return parseSignal(text).name
}

function platformText(text: string): string {
  parsePlatform(text, hostPlatform())
  return text
}
