import type { ImageProcessConfig } from '../../oci/image-config.ts'
import type { ContainerConfig } from '../config.ts'

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export interface EnvRequest {
  readonly config: ContainerConfig
  readonly image: ImageProcessConfig
  readonly hostname: string
  /** Of the user, from the image's passwd. */
  readonly home: string
  readonly tty: boolean
  /** `exec -e` */
  readonly further: readonly string[]
}

/** The environment of a process: PATH, HOSTNAME, TERM, HOME, then the image's, then the user's. */
export function containerEnv(request: EnvRequest): string[] {
  const { config, image, hostname, home, tty, further } = request
  const own = [
    `PATH=${defaultPath}`,
    `HOSTNAME=${hostname}`,
    ...(tty ? ['TERM=xterm'] : []),
    `HOME=${home}`,
  ]
  return mergeEnv(own, image.env, config.env, further)
}

/**
 * Put environments over each other: a later entry takes the place of an earlier one of its name.
 * `NAME` alone takes earlier ones out.
 */
export function mergeEnv(...environments: readonly (readonly string[])[]): string[] {
  const entries = new Map<string, string>()
  for (const entry of environments.flat()) {
    const end = entry.indexOf('=')
    if (end > 0) entries.set(entry.slice(0, end), entry)
    if (end < 0) entries.delete(entry)
  }
  return [...entries.values()]
}

/** The value of a variable. */
export function envValue(env: readonly string[], name: string): string | undefined {
  return env.findLast((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1)
}
