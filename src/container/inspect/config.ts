import { inspectHealthcheck } from '../../image/inspect-healthcheck.ts'
import type { ImageProcessConfig } from '../../oci/image-config.ts'
import { keysOf, nilList, nilMap, withOptional } from '../../oci/nil.ts'
import type { ContainerRecord } from '../../store/containers.ts'
import { asConfig } from '../config.ts'
import { effectiveConfig } from '../effective-config.ts'
import { exposedBy } from '../networks/wanted-ports.ts'
import { containerHostname } from '../spec/command-line.ts'
import { anonymousVolumeTargets } from './mounts.ts'

/** The image's config with the user's over it. Source: docker Engine API "ContainerConfig"; podman inspect for Timeout */
export function inspectConfig(record: ContainerRecord, image: ImageProcessConfig): object {
  const config = asConfig(record.config)
  const { attaches = [] } = config
  const { user, env, cmd, entrypoint, workingDir, labels, stopSignal, healthcheck } =
    effectiveConfig(record, image)
  const volumes = [...new Set([...image.volumes, ...anonymousVolumeTargets(config)])]
  const shown = {
    Hostname: containerHostname(config, record.id),
    Domainname: config.domainname ?? '',
    User: user,
    AttachStdin: attaches.includes('stdin'),
    AttachStdout: attaches.includes('stdout'),
    AttachStderr: attaches.includes('stderr'),
    Tty: config.tty,
    OpenStdin: config.openStdin,
    StdinOnce: config.openStdin && attaches.includes('stdin'),
    Env: env.length === 0 ? nilList : env,
    Cmd: cmd === undefined || cmd.length === 0 ? nilList : cmd,
    Image: config.rootfs ?? config.image,
    Volumes: volumes.length === 0 ? nilMap : keysOf(volumes),
    WorkingDir: workingDir,
    Entrypoint: entrypoint === undefined || entrypoint.length === 0 ? nilList : entrypoint,
    OnBuild: image.onBuild ?? nilList,
    Labels: new Map(Object.entries(labels)),
  }
  const exposedPorts = exposedBy(config, image)
  return withOptional(shown, {
    ExposedPorts: [exposedPorts.length === 0 ? undefined : keysOf(exposedPorts), nilMap],
    Healthcheck: [healthcheck === undefined ? undefined : inspectHealthcheck(healthcheck), null],
    StopSignal: [stopSignal, ''],
    StopTimeout: [config.stopTimeoutS, null],
    Timeout: [config.timeoutS, 0],
    Shell: [image.shell, nilList],
  })
}
