import { TsctrError } from '../../errors.ts'

/**
 * `FILE=VALUE` for a file of the container's cgroup, like `memory.high=64M`.
 *
 * @throws  INVALID_ARGUMENT
 * Source: podman run --cgroup-conf; cgroups(7)
 */
export function parseCgroupFile(text: string): readonly [file: string, value: string] {
  const [, file, value] = /^([a-z][a-z0-9_]*(?:\.[a-zA-Z0-9_]+)+)=(.+)$/s.exec(text) ?? []
  if (file !== undefined && value !== undefined) return [file, value]
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be FILE=VALUE`, {
    hint: 'like memory.high=64M',
  })
}
