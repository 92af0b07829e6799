import { readFileSync } from 'node:fs'
import { TsctrError } from '../../errors.ts'
import type { BindMount, ConfiguredMount } from '../config.ts'

/**
 * How mounts of host and container must see each other for the bind mounts to do as asked.
 *
 * @returns  undefined where the runtime's default will do
 * @throws   FAILED_PRECONDITION if a source lies on a mount that passes nothing on
 * Source: mount_namespaces(7) "Shared subtrees"; docker run --mount bind-propagation
 */
export function rootfsPropagation(mounts: readonly ConfiguredMount[]): string | undefined {
  const binds = mounts.filter((mount) => mount.type === 'bind')
  const isShared = ({ propagation }: BindMount): boolean => propagation.endsWith('shared')
  const isSlave = ({ propagation }: BindMount): boolean => propagation.endsWith('slave')
  for (const bind of binds) {
    if (isShared(bind)) requirePeer(bind, ['shared'])
    if (isSlave(bind)) requirePeer(bind, ['shared', 'master'])
  }
  if (binds.some(isShared)) return 'shared'
  return binds.some(isSlave) ? 'rslave' : undefined
}

function requirePeer(bind: BindMount, kinds: readonly string[]): void {
  const { target, tags } = mountOf(bind.source)
  if (tags.some((tag) => kinds.some((kind) => tag.startsWith(`${kind}:`)))) return
  const message = `mount ${bind.source}: lies on ${target}, which is not a ${kinds[0]} mount`
  throw new TsctrError('FAILED_PRECONDITION', message, {
    hint: `mount --make-${kinds[0]} ${target}`,
  })
}

interface Mount {
  readonly target: string
  /** `shared:1`, `master:2` */
  readonly tags: readonly string[]
}

/** The mount that holds a path: the last of the longest. Source: proc(5) /proc/PID/mountinfo */
function mountOf(path: string): Mount {
  let found: Mount = { target: '/', tags: [] }
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const fields = line.split(' ')
    const target = unescapeOctal(fields[4] ?? '')
    const isAbove = target === '/' || path === target || path.startsWith(`${target}/`)
    if (target === '' || !isAbove || target.length < found.target.length) continue
    found = { target, tags: fields.slice(6, fields.indexOf('-')) }
  }
  return found
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  )
}
