import { TsctrError } from '../../errors.ts'
import type { HostFacts } from '../../host/host-facts.ts'
import { type CapabilityName, findCapability } from '../../oci/capability.ts'
import type { RuntimeCapabilities } from '../../oci/runtime-spec.ts'
import type { ContainerConfig } from '../config.ts'

/** Source: docker run §runtime-privilege-and-linux-capabilities */
export const defaultCapabilities: readonly CapabilityName[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
]

/**
 * What a container may hold: the defaults, less what is dropped, with what is added; `--privileged`
 * means all. Nothing that this process lacks itself, which the kernel would refuse.
 *
 * @throws  FAILED_PRECONDITION if a capability asked for by name is not there to give
 */
export function grantedCapabilities(
  config: Pick<ContainerConfig, 'capAdd' | 'capDrop'>,
  facts: Pick<HostFacts, 'capabilities'>,
  isPrivileged: boolean,
): CapabilityName[] {
  if (isPrivileged) return [...facts.capabilities]
  const { capAdd, capDrop } = config
  const added = capAdd.filter((name) => name !== 'ALL').map((name) => available(name, facts))
  // Adding beats dropping all; dropping by name beats adding all.
  const base = capAdd.includes('ALL')
    ? facts.capabilities
    : capDrop.includes('ALL')
      ? []
      : defaultCapabilities.filter((name) => facts.capabilities.includes(name))
  const kept = base.filter((name) => !capDrop.includes(name))
  return [...new Set([...kept, ...added])]
}

/**
 * A process of another user than root starts without any, as execve has it, and may gain from
 * setuid and file capabilities up to the bounding set. Never inheritable: CVE-2022-24769.
 */
export function capabilitySets(
  granted: readonly CapabilityName[],
  uid: number,
): RuntimeCapabilities {
  if (uid !== 0) return { bounding: granted }
  return { bounding: granted, effective: granted, permitted: granted }
}

function available(name: string, facts: Pick<HostFacts, 'capabilities'>): CapabilityName {
  const capability = findCapability(name)
  if (capability === undefined) throw new Error(`bug: ${name} was not checked`)
  if (facts.capabilities.includes(capability)) return capability
  const message = `capability ${name}: tsctr does not have it itself, so it cannot be granted`
  throw new TsctrError('FAILED_PRECONDITION', message)
}
