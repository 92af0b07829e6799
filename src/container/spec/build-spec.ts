import type { RuntimeSpec } from '../../oci/runtime-spec.ts'
import { containerHostname } from './command-line.ts'
import { buildLinux } from './linux.ts'
import { buildMounts } from './mounts.ts'
import { buildProcess } from './process.ts'
import type { SpecInput } from './spec-input.ts'

/**
 * What the runtime shall do for a container: docker's defaults, the image's wishes over them, the
 * user's over those. Reads the root filesystem and the machine, changes nothing.
 *
 * @throws  TsctrError where the wishes contradict the image or the machine
 * Source: OCI runtime-spec §config.md
 */
export function buildSpec(input: SpecInput): RuntimeSpec {
  const { config } = input
  return {
    ociVersion: '1.0.2',
    process: buildProcess(input),
    root: { path: input.rootfsPath, readonly: config.readOnly },
    // The host's UTS namespace would be renamed.
    ...(config.utsMode === 'host'
      ? {}
      : { hostname: containerHostname(config, input.containerId) }),
    mounts: buildMounts(input),
    ...(Object.keys(config.annotations).length === 0 ? {} : { annotations: config.annotations }),
    linux: buildLinux(input),
  }
}
