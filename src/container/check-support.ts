import { statSync } from 'node:fs'
import { TsctrError } from '../errors.ts'
import type { HostFacts } from '../host/host-facts.ts'
import type { ContainerConfig } from './config.ts'
import { requireBindSources } from './spec/bind-sources.ts'
import { grantedCapabilities } from './spec/capabilities.ts'
import { requireBlockWeight, requireRealtimeBudget } from './spec/cgroup-support.ts'
import { findInitProgram } from './spec/init-program.ts'
import { refuseRelabel } from './spec/mounts.ts'
import { requireOomScore } from './spec/oom-score.ts'
import { requireAppArmor } from './spec/process.ts'
import { buildResources } from './spec/resources.ts'
import { checkRlimit } from './spec/rlimits.ts'

/**
 * Refuse what this machine cannot give to a container, before anything of it is made: the runtime
 * would say so later, in words that do not name the flag.
 *
 * @throws  FAILED_PRECONDITION, UNSUPPORTED, NOT_FOUND, INVALID_ARGUMENT
 */
export function requireSupport(config: ContainerConfig, facts: HostFacts): void {
  if (config.rootfs !== undefined) requireDirectory(config.rootfs)
  requireBindSources(config.mounts)
  refuseRelabel({ config, facts })
  grantedCapabilities(config, facts, config.privileged)
  for (const limit of config.ulimits) checkRlimit(limit, facts)
  requireOomScore(config.resources.oomScoreAdj, facts)
  requireAppArmor(config.security.apparmorProfile ?? 'unconfined', facts)
  requireNoLabels(config, facts)
  requireBlockWeight(config.resources.blockIo, facts)
  requireRealtimeBudget(config, facts)
  buildResources(config, facts)
  if (config.init) findInitProgram(config.initBinary)
}

function requireDirectory(rootfs: string): void {
  if (statSync(rootfs, { throwIfNoEntry: false })?.isDirectory() === true) return
  throw new TsctrError('NOT_FOUND', `--rootfs ${rootfs}: no such directory`)
}

/** Labels mean nothing without SELinux, and with it more than tsctr can do so far. */
function requireNoLabels({ security }: ContainerConfig, { hasSelinux }: HostFacts): void {
  const label = security.labels?.find((one) => one !== 'disable')
  if (label === undefined || !hasSelinux) return
  const message = `--security-opt label=${label}: labels for SELinux are not supported yet`
  throw new TsctrError('UNSUPPORTED', message, { hint: 'label=disable' })
}
