import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseImageConfig } from '../../src/oci/image-config.ts'

function parse(document: unknown) {
  const text = typeof document === 'string' ? document : JSON.stringify(document)
  return parseImageConfig(Buffer.from(text), 'config')
}

const diffID = `sha256:${'a'.repeat(64)}`

test('a whole document is read', () => {
  const config = parse({
    architecture: 'arm64',
    os: 'linux',
    variant: 'v8',
    created: '2026-01-02T03:04:05Z',
    config: {
      User: 'redis',
      ExposedPorts: { '6379/tcp': {} },
      Env: ['PATH=/bin', 'A=b'],
      Entrypoint: ['docker-entrypoint.sh'],
      Cmd: ['redis-server'],
      Volumes: { '/data': {} },
      WorkingDir: '/data',
      Labels: { a: 'b' },
      StopSignal: 'SIGQUIT',
      Healthcheck: { Test: ['CMD', 'true'], Interval: 1000000000, Retries: 3, Timeout: 0 },
    },
    rootfs: { type: 'layers', diff_ids: [diffID] },
    history: [
      { created_by: 'ADD', comment: 'x' },
      { created_by: 'CMD', empty_layer: true },
    ],
  })
  assert.deepEqual(config.platform, {
    os: 'linux',
    architecture: 'arm64',
    variant: 'v8',
    osVersion: undefined,
  })
  assert.deepEqual(config.diffIDs, [diffID])
  assert.deepEqual(
    config.history.map(({ createdBy, isEmptyLayer }) => [createdBy, isEmptyLayer]),
    [
      ['ADD', false],
      ['CMD', true],
    ],
  )
  const { process } = config
  assert.deepEqual(process.entrypoint, ['docker-entrypoint.sh'])
  assert.deepEqual(process.exposedPorts, ['6379/tcp'])
  assert.deepEqual(process.volumes, ['/data'])
  assert.equal(process.labels.get('a'), 'b')
  assert.deepEqual(process.healthcheck, {
    test: ['CMD', 'true'],
    intervalNs: 1e9,
    timeoutNs: undefined,
    startPeriodNs: undefined,
    startIntervalNs: undefined,
    retries: 3,
  })
})

test('everything may be missing or null', () => {
  for (const document of [
    {},
    { config: null, rootfs: null, history: null },
    { config: { Cmd: null } },
  ]) {
    const { process, diffIDs, history } = parse(document)
    assert.deepEqual([process.cmd, process.entrypoint], [undefined, undefined])
    assert.deepEqual([process.env, diffIDs, history], [[], [], []])
    assert.equal(process.user, '')
  }
})

// Fault list, b3 32.
test('names that JavaScript objects have of their own are data', () => {
  const text = `{"config":{"Labels":{"__proto__":"p","constructor":"c","toString":"t"},
    "Volumes":{"__proto__":{}}}}`
  const { process } = parse(text)
  assert.deepEqual([...process.labels.keys()], ['__proto__', 'constructor', 'toString'])
  assert.deepEqual(process.volumes, ['__proto__'])
  assert.equal(({} as Record<string, unknown>).p, undefined)
})

test('a config that only inherits a key does not have it', () => {
  assert.equal(parse('{"__proto__":{"config":{"User":"mallory"}}}').process.user, '')
})

// b3 33 and 39.
test('what is of another type than specified is refused', () => {
  const broken = [
    '[]',
    'null',
    '{"config":[]}',
    '{"config":{"Cmd":"sh"}}',
    '{"config":{"Entrypoint":{"0":"sh"}}}',
    '{"config":{"Env":["A=b",1]}}',
    '{"config":{"Env":[null]}}',
    '{"config":{"User":0}}',
    '{"config":{"Labels":["a"]}}',
    '{"config":{"Labels":{"a":1}}}',
    '{"config":{"Volumes":["/x"]}}',
    '{"config":{"Healthcheck":{"Retries":-1}}}',
    '{"config":{"Healthcheck":{"Interval":1.5}}}',
    '{"rootfs":{"diff_ids":["sha256:../../x"]}}',
    '{"history":["x"]}',
    '{} {}',
  ]
  for (const text of broken) assert.throws(() => parse(text), { code: 'INVALID_ARGUMENT' }, text)
})

// b3 31.
test('nesting of a hundred thousand levels is refused or read, never a crash', () => {
  const text = `{"config":{"Cmd":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`
  assert.throws(() => parse(text), { code: 'INVALID_ARGUMENT' })
})

// b3 39.
test('what is odd but of the right type is kept as it is: whoever uses it decides', () => {
  const { platform, process } = parse(
    JSON.stringify({
      os: 'Minix/\u001b[31m',
      architecture: '',
      config: {
        Entrypoint: [],
        Cmd: Array.from({ length: 1e5 }, () => 'x'),
        StopSignal: 'SIGNONSENSE',
        ExposedPorts: { '99999/xyz': {} },
      },
    }),
  )
  assert.deepEqual([platform.os, platform.architecture], ['Minix/\u001b[31m', ''])
  assert.deepEqual(process.entrypoint, [])
  assert.equal(process.cmd?.length, 1e5)
  assert.equal(process.stopSignal, 'SIGNONSENSE')
  assert.deepEqual(process.exposedPorts, ['99999/xyz'])
})
