import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { psLayout, psRow } from '../../../src/cli/commands/ps-row.ts'
import { renderRows } from '../../../src/cli/render/format.ts'
import type { ContainerConfig } from '../../../src/container/config.ts'
import { ContainerImages } from '../../../src/container/container-images.ts'
import { dockerState } from '../../../src/container/docker-state.ts'
import type { ContainerChange } from '../../../src/store/containers.ts'
import { deleteImage } from '../../../src/store/images.ts'
import {
  addContainer,
  addImage,
  containerStores,
  exited,
  running,
  type TestImage,
  type TestStores,
} from '../../container/container-stores.ts'

let stores: TestStores
let now: Date

beforeEach(() => {
  stores = containerStores()
  now = new Date(Date.now() + 18 * 3_600_000)
})
afterEach(() => stores.close())

interface Shown {
  readonly image?: TestImage
  readonly config?: Partial<ContainerConfig>
  readonly change?: ContainerChange
  readonly trunc?: boolean
}

function rowOf(name: string, { trunc = true, ...container }: Shown): ReturnType<typeof psRow> {
  const record = addContainer(stores, name, container)
  const images = new ContainerImages(stores)
  const listed = { record, state: dockerState(record) }
  return psRow(listed, { images, now, ports: () => [], trunc, size: undefined })
}

function field(name: string, shown: Shown): unknown {
  const row = rowOf(`c-${Math.random()}`, shown)
  return row[name]
}

function before(hours: number): Date {
  return new Date(now.getTime() - hours * 3_600_000)
}

test('the table is docker’s', () => {
  const exporter = addImage(stores, 'prom/node-exporter', {
    layers: ['a'],
    config: { Entrypoint: ['/bin/node_exporter'], ExposedPorts: { '9100/tcp': {} } },
  })
  const busybox = addImage(stores, 'busybox', { layers: [], config: { Cmd: ['sh'] } })
  const rows = [
    rowOf('exporter', {
      image: exporter,
      config: {
        image: 'prom/node-exporter:latest',
        command: ['--collector.procfs=/host'],
        networkMode: 'bridge',
      },
      change: running(before(18)),
    }),
    rowOf('shell', {
      image: busybox,
      config: { image: 'busybox' },
      change: exited(137, before(2)),
    }),
    rowOf('made', {
      image: busybox,
      config: { image: 'docker.io/library/busybox', command: ['echo', 'a "b" c'] },
    }),
  ]
  const ids = rows.map((row) => String(row.ID))
  assert.ok(ids.every((id) => /^[0-9a-f]{12}$/.test(id)))
  assert.equal(
    renderRows(rows, psLayout),
    `CONTAINER ID   IMAGE                       COMMAND                  CREATED        STATUS                     PORTS      NAMES
${ids[0]}   prom/node-exporter:latest   "/bin/node_exporter …"   18 hours ago   Up 18 hours                9100/tcp   exporter
${ids[1]}   busybox                     "sh"                     18 hours ago   Exited (137) 2 hours ago              shell
${ids[2]}   busybox                     "echo 'a \\"b\\" c'"       18 hours ago   Created                               made
`,
  )
})

describe('the image', () => {
  test('is the familiar name of what was typed, without a digest', () => {
    const digest = `sha256:${'d'.repeat(64)}`
    const shown = (typed: string): unknown => {
      const image = addImage(stores, typed, { layers: [] })
      return field('Image', { image, config: { image: typed } })
    }
    assert.equal(shown('redis'), 'redis')
    assert.equal(shown('redis:alpine'), 'redis:alpine')
    assert.equal(shown('redis:latest'), 'redis:latest')
    assert.equal(shown('docker.io/library/redis:alpine'), 'redis:alpine')
    assert.equal(shown('docker.io/me/app'), 'me/app')
    assert.equal(shown('ghcr.io/me/app:1'), 'ghcr.io/me/app:1')
    assert.equal(shown(`redis@${digest}`), 'redis')
    assert.equal(shown(`redis:7@${digest}`), 'redis:7')
  })

  test('is the id where the name means another image by now, or none', () => {
    const image = addImage(stores, 'app:1', { layers: [] })
    const config = { image: 'app:1' }
    const id = image.configDigest
    addImage(stores, 'app:1', { layers: [], config: { Cmd: ['new'] } })
    assert.equal(field('Image', { image, config }), id.slice(7, 19))
    assert.equal(field('Image', { image, config, trunc: false }), id)
    deleteImage(stores.database, stores.namespace, image.name)
    assert.equal(field('Image', { image, config }), id.slice(7, 19))
  })

  test('that was typed as an id is that', () => {
    const image = addImage(stores, 'app:1', { layers: [] })
    const hex = image.configDigest.slice(7)
    assert.equal(field('Image', { image, config: { image: hex } }), hex.slice(0, 12))
    assert.equal(field('Image', { image, config: { image: hex.slice(0, 5) } }), hex.slice(0, 5))
  })

  test('of a bare root filesystem is its directory', () => {
    assert.equal(field('Image', { config: { image: '', rootfs: '/srv/Root' } }), '/srv/Root')
  })
})

describe('the command', () => {
  test('is entrypoint and arguments, as they are put together to run', () => {
    const config = { Entrypoint: ['/entry', 'x'], Cmd: ['run'] }
    const image = addImage(stores, 'app', { layers: [], config })
    const shown = (over: Partial<ContainerConfig>): unknown =>
      field('Command', { image, config: over, trunc: false })
    assert.equal(shown({}), '"/entry x run"')
    assert.equal(shown({ command: ['sh', '-c', 'a b'] }), `"/entry x sh -c 'a b'"`)
    assert.equal(shown({ entrypoint: ['sh'] }), '"sh"')
    assert.equal(shown({ entrypoint: [], command: ['ls'] }), '"ls"')
  })

  // Fault list, b3 47.
  test('is cut to 20 characters inside its quotes; what could move the cursor is escaped', () => {
    const image = addImage(stores, 'app', { layers: [] })
    const command = ['printf', '\x1b[2J\n']
    assert.equal(field('Command', { image, config: { command } }), String.raw`"printf \x1b[2J\n"`)
    const long = ['123456789', '123456789', '1']
    assert.equal(field('Command', { image, config: { command: long } }), '"123456789 123456789…"')
    assert.equal(
      field('Command', { image, config: { command: long.slice(0, 2) } }),
      '"123456789 123456789"',
    )
  })

  test('is what is known where the image’s config is gone', () => {
    const image = addImage(stores, 'app', { layers: [], config: { Entrypoint: ['/entry'] } })
    const gone = { ...image, configDigest: `sha256:${'0'.repeat(64)}` }
    assert.equal(field('Command', { image: gone, config: { command: ['ls'] } }), '"ls"')
  })
})

test('ports show while it runs in a network of its own', () => {
  const image = addImage(stores, 'app', {
    layers: [],
    config: { ExposedPorts: { '81/tcp': {}, '80/tcp': {} } },
  })
  const bridge = { networkMode: 'bridge' } as const
  assert.equal(field('Ports', { image, config: bridge, change: running() }), '80-81/tcp')
  assert.equal(field('Ports', { image, config: bridge }), '')
  assert.equal(field('Ports', { image, config: { networkMode: 'host' }, change: running() }), '')
})

test('templates see docker’s fields, and some of podman’s', () => {
  const image = addImage(stores, 'app', { layers: [] })
  const bind = {
    type: 'bind',
    target: '/x',
    isReadOnly: false,
    propagation: 'rprivate',
    isRecursive: true,
    readOnlyReach: 'best',
    createsSource: true,
  } as const
  const row = rowOf('web', {
    image,
    config: {
      labels: { b: '2', a: '1' },
      mounts: [
        { ...bind, source: '/srv' },
        { ...bind, source: '/var/lib/something', target: '/y' },
        { type: 'tmpfs', target: '/t', options: [] },
      ],
    },
    change: { ...running(before(1)), exitCode: undefined },
  })
  const shown = (format: string): string => renderRows([row], psLayout, { format })
  assert.equal(shown('{{.Names}} {{.State}} {{.Networks}}'), 'web running none\n')
  assert.equal(shown('{{.Labels}} {{.Label "b"}}[{{.Label "constructor"}}]'), 'a=1,b=2 2[]\n')
  assert.equal(shown('{{.Mounts}} {{.LocalVolumes}}'), '/srv,/var/lib/somet… 0\n')
  assert.equal(shown('{{.Pid}} {{.ExitCode}} {{.HealthStatus}}|'), `${process.pid} 0 |\n`)
  assert.match(shown('{{.CreatedAt}}|{{.StartedAt}}'), /^([\d-]+ [\d:]+ [+-]\d{4} \w+\|?){2}\n$/)
  assert.match(shown('{{.Platform}}'), /^linux\/\w+\n$/)
  assert.equal(shown('{{.Size}} {{.RunningFor}}'), '0B 18 hours ago\n')
  assert.deepEqual(Object.keys(JSON.parse(shown('json'))), [
    ...['Command', 'CreatedAt', 'ExitCode', 'HealthStatus', 'ID', 'Image', 'Labels'],
    ...['LocalVolumes', 'Mounts', 'Names', 'Networks', 'Pid', 'Platform', 'Ports'],
    ...['RunningFor', 'Runtime', 'Size', 'StartedAt', 'State', 'Status'],
  ])
  assert.throws(() => shown('{{.Nope}}'), /template: :1:2: executing "" at <\.Nope>/)
})

test('sizes are what it has written itself, and with its image', () => {
  const image = addImage(stores, 'app', { layers: [] })
  const record = addContainer(stores, 'web', { image })
  const size = { ownBytes: 2, totalBytes: 21_499_000 }
  const images = new ContainerImages(stores)
  const row = psRow(
    { record, state: 'created' },
    { images, now, ports: () => [], trunc: true, size },
  )
  assert.equal(row.Size, '2B (virtual 21.5MB)')
})
