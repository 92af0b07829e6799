import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { ContainerConfig } from '../../../src/container/config.ts'
import { buildSpec } from '../../../src/container/spec/build-spec.ts'
import { openRootDirectory } from '../../../src/container/spec/root-directory.ts'
import type { SpecInput } from '../../../src/container/spec/spec-input.ts'
import { type HostFacts, hostFacts } from '../../../src/host/host-facts.ts'
import { emptyImageProcess, type ImageProcessConfig } from '../../../src/oci/image-config.ts'
import { formatRuntimeSpec, type RuntimeSpec } from '../../../src/oci/runtime-spec.ts'

/** A container asked for with no flag at all. */
export function plainConfig(over: Partial<ContainerConfig> = {}): ContainerConfig {
  return {
    image: 'busybox',
    createCommand: ['tsctr', 'run', 'busybox'],
    command: [],
    env: [],
    groupAdd: [],
    tty: false,
    openStdin: false,
    init: false,
    autoRemove: false,
    networkMode: 'none',
    pidMode: 'private',
    ipcMode: 'private',
    utsMode: 'private',
    labels: {},
    annotations: {},
    mounts: [],
    readOnly: false,
    devices: [],
    privileged: false,
    capAdd: [],
    capDrop: [],
    security: plainSecurity(),
    sysctls: {},
    ulimits: [],
    resources: { isOomKillDisabled: false },
    ...over,
  }
}

export function plainSecurity(
  over: Partial<ContainerConfig['security']> = {},
): ContainerConfig['security'] {
  return {
    given: [],
    seccomp: 'default',
    noNewPrivileges: false,
    isSystempathsUnconfined: false,
    isWritableCgroups: false,
    ...over,
  }
}

export function imageProcess(over: Partial<ImageProcessConfig> = {}): ImageProcessConfig {
  return { ...emptyImageProcess, cmd: ['sh'], ...over }
}

export interface Bundle extends Disposable {
  readonly path: string
  readonly rootfs: string
  /** The spec for a config, without running it. */
  spec(config: Partial<ContainerConfig>, over?: Partial<SpecInput>): RuntimeSpec
  /** Run a script in a container and return what it wrote, without the last newline. */
  run(script: string, config?: Partial<ContainerConfig>, over?: Partial<SpecInput>): string
}

/** A busybox root filesystem in a bundle that runc can run. */
export function makeBundle(facts: HostFacts = hostFacts()): Bundle {
  const path = mkdtempSync(join(tmpdir(), 'tsctr-spec-'))
  const rootfs = join(path, 'rootfs')
  // The runtime removes a container's cgroup, but not the one above it.
  const cgroupParent = basename(path)
  makeRootfs(rootfs)
  const files = { hosts: 'hosts', hostname: 'hostname', resolvConf: 'resolv.conf' }
  for (const name of Object.values(files))
    writeFileSync(join(path, name), `${name} of the bundle\n`)

  const spec: Bundle['spec'] = (config, over = {}) => {
    const root = openRootDirectory(rootfs)
    try {
      return buildSpec({
        config: plainConfig({ cgroupParent, ...config }),
        image: imageProcess(),
        containerId: `${'0123456789ab'.repeat(5)}0123`,
        rootfsPath: rootfs,
        root,
        network: 'none',
        files: {
          hosts: join(path, files.hosts),
          hostname: join(path, files.hostname),
          resolvConf: join(path, files.resolvConf),
        },
        facts,
        ...over,
      })
    } finally {
      root.close()
    }
  }
  return {
    path,
    rootfs,
    spec,
    run: (script, config = {}, over = {}) => {
      const built = spec({ command: ['/bin/sh', '-c', script], ...config }, over)
      writeFileSync(join(path, 'config.json'), formatRuntimeSpec(built))
      const id = `tsctr-test-${randomBytes(4).toString('hex')}`
      const args = ['--root', join(path, 'state'), 'run', '--bundle', path, id]
      const output = execFileSync('runc', args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 60_000,
      })
      return output.replace(/\n$/, '')
    },
    [Symbol.dispose]: () => {
      for (const directory of ['', ...readdirSync('/sys/fs/cgroup')]) {
        const cgroup = join('/sys/fs/cgroup', directory, cgroupParent)
        if (existsSync(cgroup)) rmdirSync(cgroup)
      }
      rmSync(path, { recursive: true, force: true })
    },
  }
}

function makeRootfs(rootfs: string): void {
  for (const name of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'home/anna']) {
    mkdirSync(join(rootfs, name), { recursive: true })
  }
  installBusybox(rootfs)
  writeFileSync(
    join(rootfs, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n',
  )
  writeFileSync(
    join(rootfs, 'etc/group'),
    'root:x:0:root\nwheel:x:10:root,anna\nanna:x:1000:\naudio:x:29:anna\nvideo:x:44:\n',
  )
}

/** Nothing where there is none: only tests that run containers need it. */
function installBusybox(rootfs: string): void {
  const find = ['-c', 'command -v busybox || true']
  const busybox = execFileSync('sh', find, { encoding: 'utf8' }).trim()
  if (busybox === '') return
  copyFileSync(busybox, join(rootfs, 'bin/busybox'))
  for (const name of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    if (name !== 'busybox') symlinkSync('busybox', join(rootfs, 'bin', name))
  }
}
