import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Caller, resolveGlobalOptions } from '../../src/cli/global-options.ts'

const root: Caller = { uid: 0, home: '/root', environment: {} }
const user: Caller = { uid: 1000, home: '/home/u', environment: {} }

describe('resolveGlobalOptions', () => {
  test('uses the system directories for root', () => {
    assert.deepEqual(resolveGlobalOptions({}, root), {
      dataRoot: '/var/lib/tsctr',
      stateRoot: '/run/tsctr',
      namespace: 'default',
      hostsDirs: [
        '/etc/tsctr/certs.d',
        '/etc/containerd/certs.d',
        '/etc/docker/certs.d',
        '/etc/containers/certs.d',
      ],
      insecureRegistries: [],
      debug: false,
    })
  })

  test('uses the XDG directories for a user', () => {
    const environment = { XDG_DATA_HOME: '/d', XDG_RUNTIME_DIR: '/r', XDG_CONFIG_HOME: '/c' }
    const options = resolveGlobalOptions({}, { ...user, environment })
    assert.equal(options.dataRoot, '/d/tsctr')
    assert.equal(options.stateRoot, '/r/tsctr')
    assert.equal(options.hostsDirs[0], '/c/tsctr/certs.d')
    assert.equal(options.hostsDirs.length, 5)
  })

  test('falls back to the home directory, and to one in /tmp for the state', () => {
    const environment = { XDG_DATA_HOME: 'relative', XDG_RUNTIME_DIR: '' }
    const options = resolveGlobalOptions({}, { ...user, environment })
    assert.equal(options.dataRoot, '/home/u/.local/share/tsctr')
    assert.equal(options.stateRoot, '/tmp/tsctr-1000')
    assert.equal(options.hostsDirs[0], '/home/u/.config/tsctr/certs.d')
  })

  test('takes the flag before the environment, and the environment before the default', () => {
    const environment = {
      TSCTR_ROOT: '/env/root',
      TSCTR_STATE: '/env/state',
      TSCTR_NAMESPACE: 'env',
      TSCTR_HOSTS_DIR: '/env/a:/env/b:',
    }
    const fromEnvironment = resolveGlobalOptions({}, { ...root, environment })
    assert.equal(fromEnvironment.dataRoot, '/env/root')
    assert.equal(fromEnvironment.stateRoot, '/env/state')
    assert.equal(fromEnvironment.namespace, 'env')
    assert.deepEqual(fromEnvironment.hostsDirs, ['/env/a', '/env/b'])

    const flags = { dataRoot: '/f/root', stateRoot: '/f/state', namespace: 'f', hostsDir: ['/f/h'] }
    const fromFlags = resolveGlobalOptions(flags, { ...root, environment })
    assert.equal(fromFlags.dataRoot, '/f/root')
    assert.equal(fromFlags.stateRoot, '/f/state')
    assert.equal(fromFlags.namespace, 'f')
    assert.deepEqual(fromFlags.hostsDirs, ['/f/h'])
  })

  test('makes relative directories absolute, and takes an empty variable for none', () => {
    const environment = { TSCTR_ROOT: '', TSCTR_NAMESPACE: '' }
    const options = resolveGlobalOptions({ stateRoot: 'state' }, { ...root, environment })
    assert.equal(options.stateRoot, `${process.cwd()}/state`)
    assert.equal(options.dataRoot, '/var/lib/tsctr')
    assert.equal(options.namespace, 'default')
  })

  for (const namespace of ['..', '.x', 'a/b', 'A', '', '-n', 'a\nb', 'x'.repeat(77)]) {
    test(`refuses namespace ${JSON.stringify(namespace.slice(0, 9))}`, () => {
      assert.throws(() => resolveGlobalOptions({ namespace }, root), { code: 'INVALID_ARGUMENT' })
    })
  }

  test('takes hosts and networks for insecure registries', () => {
    const good = ['lab', 'lab.example:5000', '[::1]:5000', '10.0.0.0/8', 'fd00::/8']
    const options = resolveGlobalOptions({ insecureRegistry: good }, root)
    assert.deepEqual(options.insecureRegistries, good)
    for (const bad of ['', 'http://lab', 'lab/path', 'a b', 'lab:port']) {
      const flags = { insecureRegistry: [bad] }
      assert.throws(() => resolveGlobalOptions(flags, root), { code: 'INVALID_ARGUMENT' }, bad)
    }
  })
})
