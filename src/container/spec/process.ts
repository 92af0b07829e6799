import { posix } from 'node:path'
import { TsctrError } from '../../errors.ts'
import type { ImageProcessConfig } from '../../oci/image-config.ts'
import type { RuntimeProcess, RuntimeRlimit } from '../../oci/runtime-spec.ts'
import { rlimitInfinity } from '../../oci/runtime-spec.ts'
import type { Ulimit } from '../config.ts'
import { capabilitySets, grantedCapabilities } from './capabilities.ts'
import { containerArgs, containerHostname } from './command-line.ts'
import { containerEnv } from './env.ts'
import { initProgramTarget } from './init-program.ts'
import { checkRlimit } from './rlimits.ts'
import type { SpecInput } from './spec-input.ts'
import { type ResolvedUser, resolveUser } from './user.ts'

/** The container's first process. Source: OCI runtime-spec §config.md#process */
export function buildProcess(input: SpecInput): RuntimeProcess {
  const { config, image } = input
  const args = containerArgs(config, image)
  if (args.length === 0) {
    const message = 'no command or entrypoint provided, and no CMD or ENTRYPOINT from image'
    throw new TsctrError('INVALID_ARGUMENT', message)
  }
  return makeProcess(input, {
    args: config.init ? [initProgramTarget, '--', ...args] : args,
    env: [],
    user: config.user ?? image.user,
    workdir: config.workdir,
    tty: config.tty,
    isPrivileged: config.privileged,
  })
}

/** A further process in a running container, as `exec` asks for it. */
export interface ProcessRequest {
  readonly args: readonly string[]
  /** Over the container's own. */
  readonly env: readonly string[]
  /** undefined: the container's. */
  readonly user: string | undefined
  readonly workdir: string | undefined
  readonly tty: boolean
  readonly isPrivileged: boolean
}

/** What `runc exec --process` takes. */
export function buildExecProcess(
  input: Omit<SpecInput, 'network' | 'files' | 'rootfsPath'>,
  request: ProcessRequest,
): RuntimeProcess {
  const user = request.user ?? input.config.user ?? input.image.user
  return makeProcess(input, { ...request, user })
}

/** @throws INVALID_ARGUMENT for a directory that is relative or leads out through /proc */
export function containerWorkdir(workdir: string | undefined, image: ImageProcessConfig): string {
  const path = workdir || image.workingDir || '/'
  const normal = posix.normalize(path)
  if (!path.startsWith('/') || path.includes('\0')) {
    throw new TsctrError('INVALID_ARGUMENT', `workdir ${path}: must be an absolute path`)
  }
  // /proc/self/fd/N is a directory of the runtime's, outside the container (CVE-2024-21626).
  if (normal === '/proc' || normal.startsWith('/proc/')) {
    throw new TsctrError('INVALID_ARGUMENT', `workdir ${path}: must not be in /proc`)
  }
  return normal === '/' ? normal : normal.replace(/\/$/, '')
}

function makeProcess(
  input: Omit<SpecInput, 'network' | 'files' | 'rootfsPath'>,
  request: ProcessRequest,
): RuntimeProcess {
  const { config, image, facts, root } = input
  const user = resolveUser(request.user ?? '', root.readFile, config.groupAdd)
  const isPrivileged = config.privileged || request.isPrivileged
  const capabilities = grantedCapabilities(config, facts, isPrivileged)
  const { oomScoreAdj } = config.resources
  return {
    terminal: request.tty,
    user: runtimeUser(user, config.umask),
    args: withoutNul(request.args, 'arguments'),
    env: withoutNul(
      containerEnv({
        config,
        image,
        hostname: containerHostname(config, input.containerId),
        home: user.home,
        tty: request.tty,
        further: request.env,
      }),
      'environment',
    ),
    cwd: containerWorkdir(request.workdir ?? config.workdir, image),
    capabilities: capabilitySets(capabilities, user.uid),
    ...(config.ulimits.length === 0
      ? {}
      : { rlimits: config.ulimits.map((limit) => rlimit(limit, input)) }),
    ...(config.security.noNewPrivileges ? { noNewPrivileges: true } : {}),
    ...apparmor(input, isPrivileged),
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
  }
}

function runtimeUser(user: ResolvedUser, umask: number | undefined): RuntimeProcess['user'] {
  const { uid, gid, additionalGids } = user
  return { uid, gid, additionalGids, ...(umask === undefined ? {} : { umask }) }
}

function rlimit(limit: Ulimit, { facts }: Pick<SpecInput, 'facts'>): RuntimeRlimit {
  checkRlimit(limit, facts)
  const wide = (value: number): bigint => (value === -1 ? rlimitInfinity : BigInt(value))
  return {
    type: `RLIMIT_${limit.name.toUpperCase()}`,
    soft: wide(limit.soft),
    hard: wide(limit.hard),
  }
}

function apparmor(
  { config, facts }: Pick<SpecInput, 'config' | 'facts'>,
  isPrivileged: boolean,
): Pick<RuntimeProcess, 'apparmorProfile'> {
  const profile = config.security.apparmorProfile
  if (profile === undefined || profile === 'unconfined' || isPrivileged) return {}
  requireAppArmor(profile, facts)
  return { apparmorProfile: profile }
}

/** @throws FAILED_PRECONDITION where there is no AppArmor */
export function requireAppArmor(
  profile: string,
  facts: Pick<SpecInput['facts'], 'hasAppArmor'>,
): void {
  if (facts.hasAppArmor || profile === 'unconfined') return
  const message = `apparmor=${profile}: AppArmor is not enabled on this host`
  throw new TsctrError('FAILED_PRECONDITION', message)
}

/** The kernel takes these as C strings. */
function withoutNul(texts: readonly string[], what: string): readonly string[] {
  if (!texts.some((text) => text.includes('\0'))) return texts
  throw new TsctrError('INVALID_ARGUMENT', `${what}: must not contain a NUL byte`)
}
