import { TsctrError } from '../../errors.ts'

/** Who the container's first process is. */
export interface ResolvedUser {
  readonly uid: number
  readonly gid: number
  /** The primary group first, then the others; no group twice. */
  readonly additionalGids: readonly number[]
  /** From the image's passwd; `/` for an unknown number. */
  readonly home: string
}

interface PasswdEntry {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

interface GroupEntry {
  readonly name: string
  readonly gid: number
  readonly members: readonly string[]
}

const maxId = 2 ** 31 - 1

/**
 * Find a user in the image, never on the host.
 *
 * @param user            `name`, `uid`, `name:group`, `uid:gid` …; empty for root
 * @param readFileInRoot  reads a file of the container's root filesystem; undefined if missing
 * @param groupAdd        further groups, names or numbers
 * @throws  INVALID_ARGUMENT for a number beyond 2^31-1, NOT_FOUND for a name that is not there
 * Source: docker run §user; numbers need no entry. A group named outright drops the memberships.
 */
export function resolveUser(
  user: string,
  readFileInRoot: (path: string) => Buffer | undefined,
  groupAdd: readonly string[] = [],
): ResolvedUser {
  const colon = user.indexOf(':')
  const userPart = (colon < 0 ? user : user.slice(0, colon)) || '0'
  const groupPart = colon < 0 ? '' : user.slice(colon + 1)
  const passwd = parsePasswd(readFileInRoot('/etc/passwd'))
  const groups = parseGroups(readFileInRoot('/etc/group'))
  const entry = findUser(userPart, passwd)
  const gid = groupPart === '' ? entry.gid : findGroup(groupPart, groups)
  const memberships =
    groupPart === '' && entry.name !== ''
      ? groups.filter(({ members }) => members.includes(entry.name)).map((group) => group.gid)
      : []
  const added = groupAdd.map((group) => findGroup(group, groups))
  return {
    uid: entry.uid,
    gid,
    additionalGids: [...new Set([gid, ...memberships, ...added])],
    home: entry.home || '/',
  }
}

function findUser(text: string, passwd: readonly PasswdEntry[]): PasswdEntry {
  const uid = parseId(text, `user ${text}`)
  const entry = passwd.find((known) => known.name === text || known.uid === uid)
  if (entry !== undefined) return entry
  if (uid !== undefined) return { name: '', uid, gid: 0, home: '/' }
  const message = `user ${JSON.stringify(text)}: not in /etc/passwd of the image`
  throw new TsctrError('NOT_FOUND', message, { hint: 'give a number, which needs no entry' })
}

function findGroup(text: string, groups: readonly GroupEntry[]): number {
  const gid = parseId(text, `group ${text}`)
  const entry = groups.find((known) => known.name === text || known.gid === gid)
  if (entry !== undefined) return entry.gid
  if (gid !== undefined) return gid
  const message = `group ${JSON.stringify(text)}: not in /etc/group of the image`
  throw new TsctrError('NOT_FOUND', message, { hint: 'give a number, which needs no entry' })
}

/** @returns undefined for a name */
function parseId(text: string, what: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const id = Number(text)
  if (/^\d+$/.test(text) && id <= maxId) return id
  // The kernel would take such a number modulo 2^32, and 4294967296 is then root (CVE-2024-40635).
  throw new TsctrError('INVALID_ARGUMENT', `${what}: must be within 0 and ${maxId}`)
}

/** Lines that are malformed count for nothing: a number read as 0 would be root. */
function parsePasswd(bytes: Buffer | undefined): PasswdEntry[] {
  return fieldsOf(bytes).flatMap(([name, , uid, gid, , home]) => {
    const user = fileId(uid)
    const group = fileId(gid)
    if (name === undefined || name === '' || user === undefined || group === undefined) return []
    return [{ name, uid: user, gid: group, home: home?.startsWith('/') ? home : '' }]
  })
}

function parseGroups(bytes: Buffer | undefined): GroupEntry[] {
  return fieldsOf(bytes).flatMap(([name, , gid, members]) => {
    const group = fileId(gid)
    if (name === undefined || name === '' || group === undefined) return []
    return [{ name, gid: group, members: members?.split(',').map((member) => member.trim()) ?? [] }]
  })
}

function fieldsOf(bytes: Buffer | undefined): string[][] {
  if (bytes === undefined) return []
  const lines = bytes.toString().split('\n')
  return lines.filter((line) => !line.startsWith('#')).map((line) => line.trim().split(':'))
}

function fileId(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
  return Number(text) <= maxId ? Number(text) : undefined
}
