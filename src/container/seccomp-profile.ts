import type { SeccompArgument, SeccompOperator } from '../oci/runtime-spec.ts'
import type { SeccompProfile, SeccompRule } from './seccomp-resolve.ts'
import { ordinarySyscalls } from './seccomp-syscalls.ts'

const EPERM = 1
const ENOSYS = 38
const PER_LINUX32 = 0x0008
const UNAME26 = 0x0020000
const personalityQuery = 0xffffffff
const AF_ALG = 38
const AF_VSOCK = 40
// CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}. Source: linux/sched.h
const namespaceFlags = 0x7e020000

/**
 * What the system calls of a container may be unless `--security-opt seccomp=` says otherwise:
 * everything that an ordinary program needs, and of the rest what the granted capabilities are for.
 * It follows docker, so that what runs there runs here and what is stopped there is stopped here.
 *
 * Source: docker's engine/security/seccomp, "significant syscalls blocked by the default profile"
 */
export const defaultSeccompProfile: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: EPERM,
  archMap: [
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
  ],
  syscalls: [
    allow(Object.values(ordinarySyscalls).flat()),
    ...executionDomains(),
    ...socketFamilies(),
    ...newProcesses(),
    ...onArchitectures(),
    ...withCapabilities(),
  ],
}

/** Only the domains that 32-bit programs and `setarch` use: others switch protections off. */
function executionDomains(): SeccompRule[] {
  return [0, PER_LINUX32, UNAME26, UNAME26 | PER_LINUX32, personalityQuery].map((persona) =>
    allow(['personality'], { args: [argument(0, 'SCMP_CMP_EQ', persona)] }),
  )
}

/**
 * Not AF_ALG, the kernel's crypto interface, which has let containers out more than once, nor
 * AF_VSOCK, which no network namespace confines. Three rules, since one rule may look at an
 * argument only once.
 */
function socketFamilies(): SeccompRule[] {
  return [
    allow(['socket'], { args: [argument(0, 'SCMP_CMP_LT', AF_ALG)] }),
    allow(['socket'], { args: [argument(0, 'SCMP_CMP_EQ', AF_ALG + 1)] }),
    allow(['socket'], { args: [argument(0, 'SCMP_CMP_GT', AF_VSOCK)] }),
  ]
}

/** Processes and threads, but no new namespaces: those open kernel code that root alone reaches. */
function newProcesses(): SeccompRule[] {
  const excludes = { caps: ['CAP_SYS_ADMIN'] }
  const noNamespace = argument(0, 'SCMP_CMP_MASKED_EQ', namespaceFlags, 0)
  return [
    allow(['clone'], { args: [noNamespace], excludes }),
    // Its flags lie in memory, where no filter can look: "no such call" makes libc use clone.
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS, excludes },
  ]
}

function onArchitectures(): SeccompRule[] {
  const arm = [
    'arm_fadvise64_64',
    'arm_sync_file_range',
    'breakpoint',
    'cacheflush',
    'set_tls',
    'sync_file_range2',
  ]
  return [
    allow(arm, { includes: { arches: ['arm', 'arm64'] } }),
    allow(['arch_prctl', 'modify_ldt'], { includes: { arches: ['amd64'] } }),
  ]
}

/** Calls that do nothing good without a capability, so that having it is the permission. */
function withCapabilities(): SeccompRule[] {
  const mounting = ['fsconfig', 'fsmount', 'fsopen', 'fspick', 'mount', 'mount_setattr']
  const remounting = ['move_mount', 'open_tree', 'umount', 'umount2']
  const namespaces = ['clone', 'clone3', 'setns', 'unshare', 'setdomainname', 'sethostname']
  const watching = ['fanotify_init', 'lookup_dcookie', 'perf_event_open', 'bpf', 'syslog']
  const others = ['quotactl', 'quotactl_fd']
  const modules = ['lsm_get_self_attr', 'lsm_list_modules', 'lsm_set_self_attr']
  const admin = [...mounting, ...remounting, ...namespaces, ...watching, ...others, ...modules]
  const rules: readonly (readonly [string, readonly string[]])[] = [
    ['CAP_SYS_ADMIN', admin],
    ['CAP_BPF', ['bpf']],
    ['CAP_DAC_READ_SEARCH', ['open_by_handle_at']],
    ['CAP_PERFMON', ['perf_event_open']],
    ['CAP_SYS_BOOT', ['reboot']],
    ['CAP_SYS_CHROOT', ['chroot']],
    ['CAP_SYS_MODULE', ['delete_module', 'finit_module', 'init_module']],
    ['CAP_SYS_NICE', ['get_mempolicy', 'mbind', 'set_mempolicy', 'set_mempolicy_home_node']],
    ['CAP_SYS_PACCT', ['acct']],
    ['CAP_SYS_PTRACE', ['kcmp', 'pidfd_getfd', 'process_madvise']],
    ['CAP_SYS_RAWIO', ['ioperm', 'iopl']],
    ['CAP_SYS_TIME', ['clock_settime', 'clock_settime64', 'settimeofday', 'stime']],
    ['CAP_SYS_TTY_CONFIG', ['vhangup']],
    ['CAP_SYSLOG', ['syslog']],
  ]
  return rules.map(([capability, names]) => allow(names, { includes: { caps: [capability] } }))
}

function allow(
  names: readonly string[],
  rest: Pick<SeccompRule, 'args' | 'includes' | 'excludes'> = {},
): SeccompRule {
  return { names, action: 'SCMP_ACT_ALLOW', ...rest }
}

function argument(
  index: number,
  op: SeccompOperator,
  value: number,
  valueTwo = 0,
): SeccompArgument {
  return { index, value, valueTwo, op }
}
