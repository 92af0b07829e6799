import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isErrno } from '../errors.ts'

const systemDirectory = '/etc/containers'

/**
 * podman's files, in reading order: the machine's, or in its place the user's own, then their
 * drop-ins by name.
 *
 * @param env  CONTAINERS_REGISTRIES_CONF, HOME
 * Source: containers-registries.conf.d(5); containers/image newConfigWrapper
 */
export function registriesFiles(
  env: NodeJS.ProcessEnv,
  system: string = systemDirectory,
): string[] {
  const user = join(env.HOME || homedir(), '.config', 'containers')
  const userFile = join(user, 'registries.conf')
  const named = env.CONTAINERS_REGISTRIES_CONF
  if (!named && existsSync(userFile)) return [userFile, ...dropIns(user)]
  return [named || join(system, 'registries.conf'), ...dropIns(system), ...dropIns(user)]
}

function dropIns(directory: string): string[] {
  const place = join(directory, 'registries.conf.d')
  try {
    const names = readdirSync(place).filter((name) => name.endsWith('.conf'))
    return names.sort().map((name) => join(place, name))
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return []
    throw error
  }
}
