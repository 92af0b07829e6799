import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { renderInspect } from '../../src/cli/render/inspect.ts'
import type { ContainerConfig } from '../../src/container/config.ts'
import { inspectContainer } from '../../src/container/inspect-container.ts'
import { hostFacts } from '../../src/host/host-facts.ts'
import {
  addContainer,
  addImage,
  containerStores,
  type TestImage,
  type TestStores,
} from './container-stores.ts'

/**
 * What dockerd 20.10 and 28 answered, key for key: which are there, and null, `[]` or `{}` where
 * nothing was asked for. Left out are keys that 28 no longer has (KernelMemory, KernelMemoryTCP).
 */
const isV2 = hostFacts().cgroup.mode === 'v2'
const plainHostConfig = {
  Binds: null,
  ContainerIDFile: '',
  LogConfig: { Type: 'k8s-file', Config: {} },
  NetworkMode: 'none',
  PortBindings: {},
  RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
  AutoRemove: false,
  VolumeDriver: '',
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  CgroupnsMode: isV2 ? 'private' : 'host',
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: 'private',
  Cgroup: '',
  Links: null,
  OomScoreAdj: 0,
  PidMode: '',
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: '',
  UsernsMode: '',
  ShmSize: 67_108_864,
  Runtime: 'runc',
  Isolation: '',
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: '',
  BlkioWeight: 0,
  BlkioWeightDevice: [],
  BlkioDeviceReadBps: [],
  BlkioDeviceWriteBps: [],
  BlkioDeviceReadIOps: [],
  BlkioDeviceWriteIOps: [],
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: '',
  CpusetMems: '',
  Devices: [],
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: isV2 ? null : false,
  PidsLimit: null,
  Ulimits: [],
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
}

const plainConfig = {
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: ['PATH=/bin'],
  Cmd: ['sh'],
  Image: 'app',
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  OnBuild: null,
  Labels: {},
}

const plainNetworkSettings = {
  Bridge: '',
  SandboxID: '',
  SandboxKey: '',
  Ports: {},
  HairpinMode: false,
  LinkLocalIPv6Address: '',
  LinkLocalIPv6PrefixLen: 0,
  SecondaryIPAddresses: null,
  SecondaryIPv6Addresses: null,
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  MacAddress: '',
}

const plainEndpoint = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  DriverOpts: null,
  GwPriority: 0,
  EndpointID: '',
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  MacAddress: '',
  DNSNames: null,
}

interface Inspected extends Record<string, unknown> {
  readonly HostConfig: Record<string, unknown>
  readonly Config: Record<string, unknown>
  readonly Mounts: readonly unknown[]
  readonly NetworkSettings: { readonly Networks: Record<string, Record<string, unknown>> }
}

let stores: TestStores
let image: TestImage

beforeEach(() => {
  stores = containerStores()
  image = addImage(stores, 'app', {
    layers: ['base'],
    config: { Env: ['PATH=/bin'], Cmd: ['sh'] },
  })
})
afterEach(() => stores.close())

async function inspected(config: Partial<ContainerConfig>): Promise<Inspected> {
  addContainer(stores, 'one', { image, config: { image: 'app', ...config } })
  return JSON.parse(renderInspect([await inspectContainer(stores, 'one')]))[0]
}

test('a container without flags has docker’s keys and docker’s empty values', async () => {
  const { HostConfig, Config, NetworkSettings, ...rest } = await inspected({})
  const { MaskedPaths, ReadonlyPaths, ...hostConfig } = HostConfig
  assert.deepEqual(hostConfig, plainHostConfig)
  assert.ok((MaskedPaths as string[]).includes('/proc/kcore'))
  assert.ok((ReadonlyPaths as string[]).includes('/proc/sys'))
  const { Hostname, ...config } = Config
  assert.match(String(Hostname), /^[0-9a-f]{12}$/)
  assert.deepEqual(config, plainConfig)
  const { Networks, ...network } = NetworkSettings
  assert.deepEqual(network, plainNetworkSettings)
  const { NetworkID, ...endpoint } = Networks.none ?? {}
  assert.match(String(NetworkID), /^[0-9a-f]{64}$/)
  assert.deepEqual(endpoint, plainEndpoint)
  assert.deepEqual(Object.keys(rest).sort(), [
    ...['AppArmorProfile', 'Args', 'CreateCommand', 'Created', 'Driver', 'ExecIDs', 'GraphDriver'],
    ...['HostnamePath', 'HostsPath', 'Id', 'Image', 'LogPath', 'MountLabel', 'Mounts', 'Name'],
    ...['Path', 'Platform', 'ProcessLabel', 'ResolvConfPath', 'RestartCount', 'State'],
  ])
  assert.deepEqual(
    [rest.Mounts, rest.ExecIDs, rest.RestartCount, rest.MountLabel, rest.Platform],
    [[], null, 0, '', 'linux'],
  )
})

/** What a flag changes, as dockerd 20.10 answered to the same flag. */
const cases: readonly {
  readonly flag: string
  readonly config: Partial<ContainerConfig>
  readonly hostConfig?: Record<string, unknown>
  readonly own?: Record<string, unknown>
  readonly mounts?: readonly unknown[]
}[] = [
  {
    flag: '--privileged',
    config: { privileged: true },
    hostConfig: { SecurityOpt: ['label=disable'], MaskedPaths: null, ReadonlyPaths: null },
  },
  {
    flag: '--pid host --security-opt no-new-privileges',
    config: { pidMode: 'host', security: security(['no-new-privileges']) },
    hostConfig: { SecurityOpt: ['no-new-privileges', 'label=disable'], PidMode: 'host' },
  },
  {
    flag: '--security-opt systempaths=unconfined',
    config: {
      security: { ...security(['systempaths=unconfined']), isSystempathsUnconfined: true },
    },
    hostConfig: { SecurityOpt: null, MaskedPaths: [], ReadonlyPaths: [] },
  },
  {
    flag: 'create -i',
    config: { openStdin: true, attaches: ['stdin', 'stdout', 'stderr'] },
    own: { OpenStdin: true, StdinOnce: true, AttachStdin: true },
  },
  {
    flag: 'run -d -i',
    config: { openStdin: true, attaches: [] },
    own: { OpenStdin: true, StdinOnce: false, AttachStdin: false },
  },
  {
    flag: '-v /data',
    config: {
      mounts: [
        {
          ...{ type: 'volume', name: 'f'.repeat(64), target: '/data' },
          ...{ isAnonymous: true, isFromVolumeFlag: true, isReadOnly: false, isNotFilled: false },
        },
      ],
    },
    own: { Volumes: { '/data': {} } },
    hostConfig: { Binds: null },
  },
  {
    flag: '--mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700',
    config: {
      mounts: [
        {
          ...{ type: 'tmpfs', target: '/t', isFromMountFlag: true },
          options: ['size=1048576', 'mode=700'],
        },
      ],
    },
    hostConfig: {
      Tmpfs: undefined,
      Mounts: [
        { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 1_048_576, Mode: 0o700 } },
      ],
    },
    mounts: [{ Type: 'tmpfs', Source: '', Destination: '/t', Mode: '', RW: true, Propagation: '' }],
  },
  {
    flag: '--tmpfs /t:size=1m',
    config: { mounts: [{ type: 'tmpfs', target: '/t', options: ['size=1m'] }] },
    hostConfig: { Tmpfs: { '/t': 'size=1m' }, Mounts: undefined },
    mounts: [],
  },
  {
    flag: '-e NAME of a name that the caller does not have',
    config: { env: ['PATH'] },
    own: { Env: null },
  },
]

for (const { flag, config, hostConfig = {}, own = {}, mounts } of cases) {
  test(`${flag} is shown as docker shows it`, async () => {
    const { HostConfig, Config, Mounts } = await inspected(config)
    for (const [name, value] of Object.entries(hostConfig)) {
      assert.deepEqual(HostConfig[name], value, name)
    }
    for (const [name, value] of Object.entries(own)) assert.deepEqual(Config[name], value, name)
    if (mounts !== undefined) assert.deepEqual(Mounts, mounts)
  })
}

test('the address that was asked for, aliases and names stand below each network', async () => {
  const { Networks } = (
    await inspected({
      networkMode: 'bridge',
      hostname: 'box',
      networks: [
        { name: 'shop', aliases: ['db', 'one'], address: '10.7.0.9' },
        { name: 'back', aliases: [] },
      ],
    })
  ).NetworkSettings
  assert.deepEqual(Networks.shop?.IPAMConfig, { IPv4Address: '10.7.0.9' })
  assert.deepEqual(Networks.shop?.Aliases, ['db', 'one'])
  assert.match(String(Networks.shop?.DNSNames), /^one,db,[0-9a-f]{12},box$/)
  assert.deepEqual([Networks.back?.IPAMConfig, Networks.back?.Aliases], [null, null])
})

function security(given: readonly string[]): ContainerConfig['security'] {
  return {
    given,
    ...{ seccomp: 'default', noNewPrivileges: false, isWritableCgroups: false },
    isSystempathsUnconfined: false,
  }
}
