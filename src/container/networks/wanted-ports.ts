import { hasCode } from '../../errors.ts'
import type { PortRequest } from '../../network/allocate-ports.ts'
import type { ImageProcessConfig } from '../../oci/image-config.ts'
import type { ContainerConfig } from '../config.ts'
import { parseExpose } from '../flag-values/publish.ts'

type Ports = Pick<ContainerConfig, 'ports' | 'exposedPorts' | 'publishesAll'>

/** The ports to publish for a container: those asked for, and with -P all others that it exposes. */
export function wantedPorts(config: Ports, image: ImageProcessConfig): PortRequest[] {
  const { ports = [], publishesAll = false } = config
  if (!publishesAll) return [...ports]
  const known = new Set(ports.map(portName))
  const others = exposedBy(config, image).flatMap((name): PortRequest[] => {
    const [number, protocol] = name.split('/')
    if (known.has(name)) return []
    return [{ protocol: protocol as PortRequest['protocol'], containerPort: Number(number) }]
  })
  return [...ports, ...others]
}

/** `80/tcp` for each port that the image, `--expose` or `--publish` names, each once. */
export function exposedBy(config: Ports, image: ImageProcessConfig): string[] {
  const { ports = [], exposedPorts = [] } = config
  const names = [...image.exposedPorts.flatMap(expanded), ...exposedPorts, ...ports.map(portName)]
  return [...new Set(names)]
}

function portName({ containerPort, protocol }: PortRequest): string {
  return `${containerPort}/${protocol}`
}

/** What is no port, an image may say all the same. */
function expanded(text: string): string[] {
  try {
    return parseExpose(text)
  } catch (error) {
    if (!hasCode(error, 'INVALID_ARGUMENT')) throw error
    return []
  }
}
