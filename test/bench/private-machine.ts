import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { MNT_DETACH, MS_BIND, MS_REC, mount, umount2 } from '../../src/host/libc.ts'
import { cleanUp } from '../helpers/leaks.ts'
import { containersBelow, removeCgroups, topCgroups } from '../helpers/leftover-cgroups.ts'

/**
 * Run a script in mount, network, IPC and process namespaces of its own, where it may start daemons,
 * make bridges and rewrite /etc as if the machine were its own. When it ends, or this process is
 * killed, the kernel ends every process in there and undoes mounts, interfaces and firewall rules.
 *
 * @param inputOf  gets the scratch directory, which lies on disk; the script receives what it
 *                 returns as JSON in its first argument
 * @returns        the script's exit code
 */
export async function runInPrivateMachine(
  script: string,
  inputOf: (scratch: string) => unknown,
): Promise<number> {
  const scratch = mkdtempSync('/var/tmp/tsctr-bench-')
  const cgroupsBefore = topCgroups()
  try {
    return await runToEnd([
      // Each of these dies with the one before it.
      ...['setpriv', '--pdeathsig', 'KILL'],
      ...['unshare', '--mount', '--propagation', 'private', '--net', '--ipc'],
      ...['--pid', '--fork', '--kill-child', '--mount-proc'],
      // As process 1, a shell reaps the orphans that containers leave; Node would not.
      ...['sh', '-c', '"$@"; exit $?', 'sh'],
      ...[process.execPath, '--disable-warning=ExperimentalWarning', script],
      JSON.stringify(inputOf(scratch)),
    ])
  } finally {
    const made = topCgroups().filter((path) => !cgroupsBefore.includes(path))
    removeCgroups(made, containersBelow(scratch))
    cleanUp(scratch)
  }
}

function runToEnd([program = '', ...args]: readonly string[]): Promise<number> {
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill('SIGKILL'))
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 130))
  })
}

/**
 * Inside: give the engines /etc, /run, /var/lib and /dev/shm of their own, and a loopback interface.
 * /dev/shm is an empty tmpfs then.
 */
export function makeDirectoriesPrivate(): void {
  const resolvConf = existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf') : ''
  mount('tmpfs', '/dev/shm', 'tmpfs', 0)
  mount('tmpfs', '/run', 'tmpfs', 0, 'mode=755')
  coverWithOverlay('/etc')
  coverWithOverlay('/var/lib')
  // It may have been a link into /run.
  rmSync('/etc/resolv.conf', { force: true })
  writeFileSync('/etc/resolv.conf', resolvConf)
  renewSys()
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
}

function coverWithOverlay(path: string): void {
  const dir = `/dev/shm/.over${path}`
  for (const name of ['upper', 'work']) mkdirSync(`${dir}/${name}`, { recursive: true })
  mount('overlay', path, 'overlay', 0, `lowerdir=${path},upperdir=${dir}/upper,workdir=${dir}/work`)
}

/** /sys shows the interfaces of the network namespace in which it was mounted. */
function renewSys(): void {
  const cgroups = '/sys/fs/cgroup'
  const aside = '/run/cgroup'
  mkdirSync(aside)
  mount(cgroups, aside, undefined, MS_BIND | MS_REC)
  mount('sysfs', '/sys', 'sysfs', 0)
  mount(aside, cgroups, undefined, MS_BIND | MS_REC)
  umount2(aside, MNT_DETACH)
}
