import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { renderInspect } from '../../src/cli/render/inspect.ts'
import type { BindMount, ContainerConfig } from '../../src/container/config.ts'
import { inspectContainer } from '../../src/container/inspect-container.ts'
import { selfAsOwner } from '../../src/host/owner.ts'
import { insertEndpoint } from '../../src/network/addresses.ts'
import { insertNetwork } from '../../src/network/networks.ts'
import { containerFiles } from '../../src/runtime/container-files.ts'
import {
  addContainer,
  addImage,
  containerStores,
  exited,
  running,
  type TestImage,
  type TestStores,
} from './container-stores.ts'

let stores: TestStores
let image: TestImage

beforeEach(() => {
  stores = containerStores()
  image = addImage(stores, 'app', {
    layers: ['base', 'top'],
    config: {
      User: 'nobody',
      Env: ['PATH=/bin', 'A=image'],
      Entrypoint: ['/entry'],
      Cmd: ['serve'],
      WorkingDir: '/srv',
      Volumes: { '/data': {} },
      ExposedPorts: { '80/tcp': {} },
      Labels: { from: 'image' },
      StopSignal: 'SIGQUIT',
      Healthcheck: { Test: ['CMD', 'true'], Interval: 1_000_000_000 },
    },
  })
})
afterEach(() => stores.close())

/** What a template prints of a container. */
async function shown(name: string, format: string): Promise<string> {
  return renderInspect([await inspectContainer(stores, name)], { format }).trimEnd()
}

/** The JSON of a container. */
async function json(name: string, withSize = false): Promise<Record<string, never>> {
  const [document] = JSON.parse(renderInspect([await inspectContainer(stores, name, { withSize })]))
  return document
}

const add = (name: string, config: Partial<ContainerConfig> = {}): void => {
  addContainer(stores, name, { image, config: { image: 'app', ...config } })
}

describe('a container that was only made', () => {
  test('has no time of a run, no process, no files yet', async () => {
    add('made')
    assert.equal(
      await shown('made', '{{.Name}} {{.State.Status}} {{.State.Running}} {{.State.Pid}}'),
      '/made created false 0',
    )
    const never = '0001-01-01T00:00:00Z'
    assert.equal(
      await shown('made', '{{.State.StartedAt}} {{.State.FinishedAt}}'),
      `${never} ${never}`,
    )
    assert.equal(await shown('made', '[{{.LogPath}}{{.HostsPath}}{{.HostnamePath}}]'), '[]')
    assert.equal(await shown('made', '{{.Image}}'), image.configDigest)
    assert.match(await shown('made', '{{.Created}}'), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  })

  test('is built on the layers of its image', async () => {
    add('made')
    const snapshots = `${stores.dataRoot}/snapshots`
    const data = (await json('made')).GraphDriver
    const { Id } = await json('made')
    assert.deepEqual(data, {
      Data: {
        LowerDir: `${snapshots}/2/fs:${snapshots}/1/fs`,
        MergedDir: `${stores.stateRoot}/default/${Id}/rootfs`,
        UpperDir: `${snapshots}/3/fs`,
        WorkDir: `${snapshots}/3/work`,
      },
      Name: 'overlayfs',
    })
  })
})

describe('the state', () => {
  test('of one that runs', async () => {
    const startedAt = new Date('2026-11-24T05:01:06.500Z')
    addContainer(stores, 'up', { image, change: running(startedAt) })
    assert.equal(
      await shown('up', '{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.StartedAt}}'),
      `running true ${process.pid} 2026-11-24T05:01:06.500Z`,
    )
  })

  test('of one that has ended', async () => {
    const finishedAt = new Date('2026-11-24T05:01:06Z')
    addContainer(stores, 'ended', {
      image,
      change: { ...exited(137, finishedAt), error: 'went wrong' },
    })
    const format = '{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}} {{.State.FinishedAt}}'
    assert.equal(await shown('ended', format), 'exited 137 0 2026-11-24T05:01:06.000Z')
    assert.equal(await shown('ended', '{{.State.Error}}'), 'went wrong')
  })

  // The record of a container that was lost in a reboot says running.
  test('of one whose process is gone', async () => {
    const dead = { ...selfAsOwner(), startTicks: 1 }
    addContainer(stores, 'ghost', { image, change: { ...running(), process: dead, monitor: dead } })
    assert.equal(await shown('ghost', '{{.State.Status}} {{.State.ExitCode}}'), 'exited 255')
  })

  test('tells whether memory ran out', async () => {
    const { id } = addContainer(stores, 'big', { image, change: exited(137) })
    assert.equal(await shown('big', '{{.State.OOMKilled}}'), 'false')
    writeFileSync(containerFiles(stores.dataRoot, id).oom, '')
    assert.equal(await shown('big', '{{.State.OOMKilled}}'), 'true')
  })
})

describe('the config', () => {
  test('is the image’s', async () => {
    add('plain')
    const { Config, Path, Args } = (await json('plain')) as unknown as {
      Config: Record<string, unknown>
      Path: string
      Args: string[]
    }
    assert.deepEqual([Path, Args], ['/entry', ['serve']])
    assert.equal(Config.User, 'nobody')
    assert.deepEqual(Config.Env, ['PATH=/bin', 'A=image'])
    assert.deepEqual(Config.Cmd, ['serve'])
    assert.deepEqual(Config.Entrypoint, ['/entry'])
    assert.equal(Config.WorkingDir, '/srv')
    assert.deepEqual(Config.Volumes, { '/data': {} })
    assert.deepEqual(Config.ExposedPorts, { '80/tcp': {} })
    assert.equal(Config.StopSignal, 'SIGQUIT')
    assert.deepEqual(Config.Healthcheck, { Test: ['CMD', 'true'], Interval: 1_000_000_000 })
    assert.equal(Config.OnBuild, null)
    assert.match(String(Config.Hostname), /^[0-9a-f]{12}$/)
    assert.equal(Object.hasOwn(Config, 'StopTimeout'), false)
  })

  test('has the user’s over it', async () => {
    add('own', {
      command: ['run', 'it'],
      env: ['A=user', 'B=2'],
      user: '1:2',
      workdir: '/tmp',
      hostname: 'box',
      labels: { mine: '1' },
      stopSignal: 'SIGINT',
      stopTimeoutS: 3,
      tty: true,
      openStdin: true,
      attaches: ['stdout'],
    })
    assert.equal(await shown('own', '{{.Path}} {{.Args}}'), '/entry [run it]')
    assert.equal(await shown('own', '{{.Config.Env}}'), '[A=user B=2 PATH=/bin]')
    assert.equal(await shown('own', '{{.Config.Cmd}} {{.Config.User}}'), '[run it] 1:2')
    assert.equal(await shown('own', '{{.Config.WorkingDir}} {{.Config.Hostname}}'), '/tmp box')
    assert.equal(await shown('own', '{{.Config.StopSignal}} {{.Config.StopTimeout}}'), 'SIGINT 3')
    assert.equal(
      await shown(
        'own',
        '{{with .Config}}{{.Tty}} {{.OpenStdin}} {{.AttachStdin}} {{.AttachStdout}}{{end}}',
      ),
      'true true false true',
    )
    assert.equal(await shown('own', '{{index .Config.Labels "mine"}}'), '1')
  })

  test('drops the image’s command with its entrypoint', async () => {
    add('replaced', { entrypoint: ['sh'] })
    add('cleared', { entrypoint: [], command: ['ls'] })
    assert.equal(
      await shown('replaced', '{{.Path}} {{.Args}} {{.Config.Entrypoint}} {{json .Config.Cmd}}'),
      'sh [] [sh] null',
    )
    assert.equal(
      await shown('cleared', '{{.Path}} {{json .Config.Entrypoint}} {{.Config.Cmd}}'),
      'ls null [ls]',
    )
  })

  test('keeps labels that JavaScript has another meaning for', async () => {
    add('odd', { labels: JSON.parse('{"__proto__": "x", "constructor": "y"}') })
    assert.equal(
      await shown('odd', '{{index .Config.Labels "__proto__"}}{{json .Config.Labels}}'),
      'x{"__proto__":"x","constructor":"y"}',
    )
  })
})

describe('the host config', () => {
  test('is docker’s without flags', async () => {
    add('plain')
    const { HostConfig } = (await json('plain')) as unknown as {
      HostConfig: Record<string, unknown>
    }
    const expected = {
      ...{ Binds: null, NetworkMode: 'none', AutoRemove: false, CapAdd: null, Privileged: false },
      ...{
        ShmSize: 67_108_864,
        Memory: 0,
        MemorySwap: 0,
        PidsLimit: null,
        Ulimits: [],
        Devices: [],
      },
      ...{ RestartPolicy: { Name: 'no', MaximumRetryCount: 0 }, IpcMode: 'private', PidMode: '' },
    }
    const found = Object.keys(expected).map((name) => [name, HostConfig[name]])
    assert.deepEqual(Object.fromEntries(found), expected)
    assert.ok((HostConfig.MaskedPaths as string[]).includes('/proc/kcore'))
    for (const name of ['Tmpfs', 'Sysctls', 'Mounts', 'Init', 'Annotations']) {
      assert.equal(Object.hasOwn(HostConfig, name), false, `${name} is left out`)
    }
    assert.equal(await shown('plain', '{{.HostConfig.Tmpfs}} {{.HostConfig.Init}}'), 'map[] <nil>')
  })

  test('tells what the flags have asked for', async () => {
    add('own', {
      privileged: true,
      capAdd: ['CAP_NET_ADMIN'],
      init: true,
      autoRemove: true,
      pidMode: 'host',
      sysctls: { 'net.ipv4.ip_forward': '1' },
      ulimits: [{ name: 'nofile', soft: 1, hard: 2 }],
      devices: [{ hostPath: '/dev/fuse', containerPath: '/dev/f', access: 'r' }],
      resources: { memoryBytes: 1024, nanoCpus: 5e8, pidsLimit: 7, isOomKillDisabled: false },
      idFile: '/tmp/id',
    })
    const format =
      '{{with .HostConfig}}{{.Privileged}} {{.CapAdd}} {{.Init}} {{.AutoRemove}} {{.PidMode}}{{end}}'
    assert.equal(await shown('own', format), 'true [CAP_NET_ADMIN] true true host')
    const more =
      '{{with .HostConfig}}{{.Sysctls}} {{.Memory}} {{.NanoCpus}} {{.PidsLimit}} {{.ContainerIDFile}}{{end}}'
    assert.equal(await shown('own', more), 'map[net.ipv4.ip_forward:1] 1024 500000000 7 /tmp/id')
    assert.equal(
      await shown('own', '{{json .HostConfig.Ulimits}}'),
      '[{"Name":"nofile","Hard":2,"Soft":1}]',
    )
    assert.equal(
      await shown('own', '{{json .HostConfig.Devices}}'),
      '[{"PathOnHost":"/dev/fuse","PathInContainer":"/dev/f","CgroupPermissions":"r"}]',
    )
    assert.equal(await shown('own', '{{json .HostConfig.MaskedPaths}}'), 'null')
  })
})

describe('mounts', () => {
  const bind: BindMount = {
    type: 'bind',
    source: '/srv',
    target: '/x',
    isReadOnly: false,
    propagation: 'rprivate',
    isRecursive: true,
    readOnlyReach: 'best',
    createsSource: true,
  }

  test('of -v are Binds, with their options', async () => {
    add('bound', {
      mounts: [bind, { ...bind, target: '/y', isReadOnly: true, relabel: 'private' }],
    })
    assert.equal(await shown('bound', '{{.HostConfig.Binds}}'), '[/srv:/x /srv:/y:ro,Z]')
    assert.equal(
      await shown(
        'bound',
        '{{range .Mounts}}{{.Type}} {{.Source}} {{.Destination}} {{.Mode}} {{.RW}};{{end}}',
      ),
      'bind /srv /x  true;bind /srv /y ro,Z false;',
    )
  })

  test('of --mount are Mounts, those of --tmpfs are apart', async () => {
    add('mounted', {
      mounts: [
        { ...bind, createsSource: false, isReadOnly: true, isRecursive: false },
        { type: 'tmpfs', target: '/t', options: ['size=64m', 'exec'] },
      ],
    })
    const { HostConfig, Mounts } = (await json('mounted')) as unknown as {
      HostConfig: Record<string, unknown>
      Mounts: unknown[]
    }
    assert.equal(HostConfig.Binds, null)
    assert.deepEqual(HostConfig.Mounts, [
      {
        Type: 'bind',
        Source: '/srv',
        Target: '/x',
        ReadOnly: true,
        BindOptions: { NonRecursive: true },
      },
    ])
    assert.deepEqual(HostConfig.Tmpfs, { '/t': 'size=64m,exec' })
    assert.equal(Mounts.length, 1)
  })
})

describe('the network', () => {
  beforeEach(() => {
    insertNetwork(stores.database, {
      name: 'bridge',
      id: 'e'.repeat(64),
      driver: 'bridge',
      bridgeName: 'tsctr-test',
      subnet: '10.116.0.0/20',
      gateway: '10.116.0.1',
      ipRange: undefined,
      subnet6: undefined,
      gateway6: undefined,
      ipRange6: undefined,
      auxAddresses: {},
      isInternal: false,
      mtu: 1500,
      options: {},
      labels: {},
      lastAddress: undefined,
      lastAddress6: undefined,
      applied: undefined,
      rulesDigest: undefined,
      createdAt: new Date(),
    })
  })

  test('of one that runs has its address, below the network’s name and at the top', async () => {
    const { id } = addContainer(stores, 'web', {
      image,
      config: { networkMode: 'bridge' },
      change: running(),
    })
    insertEndpoint(stores.database, {
      networkName: 'bridge',
      driver: 'bridge',
      netnsPath: undefined,
      containerId: id,
      address: '10.116.0.2',
      prefixLength: 20,
      gateway: '10.116.0.1',
      ipv6: undefined,
      macAddress: '02:42:0a:74:00:02',
      aliases: [],
      interfaceName: 'eth0',
      hostInterface: 'tsveth1',
      state: 'committed',
      owner: selfAsOwner(),
    })
    const each =
      '{{range $name, $net := .NetworkSettings.Networks}}{{$name}} {{$net.IPAddress}}/{{$net.IPPrefixLen}} {{$net.Gateway}} {{$net.NetworkID}}{{end}}'
    assert.equal(await shown('web', each), `bridge 10.116.0.2/20 10.116.0.1 ${'e'.repeat(64)}`)
    const top =
      '{{with .NetworkSettings}}{{.IPAddress}} {{.MacAddress}} {{.Gateway}} {{json .Ports}}{{end}}'
    assert.equal(await shown('web', top), '10.116.0.2 02:42:0a:74:00:02 10.116.0.1 {"80/tcp":null}')
    assert.match(await shown('web', '{{.NetworkSettings.SandboxKey}}'), /\/netns$/)
  })

  test('of one that does not run has none, but knows which it will be', async () => {
    addContainer(stores, 'off', { image, config: { networkMode: 'bridge' } })
    assert.equal(
      await shown('off', '[{{.NetworkSettings.IPAddress}}] {{json .NetworkSettings.Ports}}'),
      '[] {}',
    )
    const network = '{{.NetworkSettings.Networks.bridge.NetworkID}} {{.HostConfig.NetworkMode}}'
    assert.equal(await shown('off', network), `${'e'.repeat(64)} bridge`)
  })

  test('of the host or of none has a name alone', async () => {
    add('none', { networkMode: 'none' })
    assert.equal(
      await shown(
        'none',
        '{{range $k, $v := .NetworkSettings.Networks}}{{$k}}[{{$v.IPAddress}}]{{end}}',
      ),
      'none[]',
    )
  })
})

test('sizes are there when asked for; templates find none otherwise', async () => {
  add('sized')
  assert.equal(Object.hasOwn(await json('sized'), 'SizeRw'), false)
  assert.equal(await shown('sized', '{{.SizeRw}} {{.State.Health}}'), '<nil> <nil>')
  const { SizeRw, SizeRootFs } = (await json('sized', true)) as unknown as Record<string, number>
  assert.ok(SizeRw !== undefined && SizeRootFs !== undefined && SizeRw <= SizeRootFs)
})

test('the command that made it is kept', async () => {
  add('kept', { createCommand: ['tsctr', 'run', '-d', 'app'] })
  assert.equal(await shown('kept', '{{json .CreateCommand}}'), '["tsctr","run","-d","app"]')
})

test('what is gone from the store is no failure: the image’s config, the image of a rootfs', async () => {
  addContainer(stores, 'orphan', {
    image: { ...image, configDigest: `sha256:${'0'.repeat(64)}` },
    config: { command: ['ls'] },
  })
  assert.equal(await shown('orphan', '{{.Path}} {{.Args}}'), 'ls []')
  addContainer(stores, 'bare', { config: { image: '', rootfs: '/srv/root', command: ['sh'] } })
  assert.equal(
    await shown('bare', '{{.Config.Image}} [{{.Image}}{{.Driver}}] {{.GraphDriver.Data}}'),
    '/srv/root [] map[]',
  )
  await assert.rejects(inspectContainer(stores, 'nobody'), { code: 'NOT_FOUND' })
})
