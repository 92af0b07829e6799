import { TsctrError } from '../../errors.ts'

/** Longest that the kernel takes for host and domain name. Source: sethostname(2) */
const maxHostnameBytes = 64

/**
 * A container's name.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker run --name
 */
export function parseContainerName(text: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(text) && text.length <= 128) return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not a name`, {
    hint: 'letters, digits, _ . - after a letter or digit; 2 to 128 characters',
  })
}

/** A host or domain name: it goes into files of /etc, so nothing that has a meaning there. */
export function parseHostname(text: string): string {
  const isName = /^[a-zA-Z0-9_]([a-zA-Z0-9_.-]*[a-zA-Z0-9_])?$/.test(text)
  if (isName && !text.includes('..') && text.length <= maxHostnameBytes) return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not a host name`, {
    hint: `letters, digits, - and single dots; up to ${maxHostnameBytes} characters`,
  })
}

/** `user[:group]`; whether the names exist is for the image to say. */
export function parseUser(text: string): string {
  if (/^[^\s:]*(:[^\s:]+)?$/.test(text)) return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be USER or USER:GROUP`)
}

/** An absolute path in the container. */
export function parseWorkdir(text: string): string {
  if (text.startsWith('/')) return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be an absolute path`)
}

/** Where the container's cgroup goes, from the root of the hierarchy. */
export function parseCgroupParent(text: string): string {
  const parts = text.split('/')
  if (text !== '' && !parts.includes('..') && !text.endsWith('.slice')) return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not a path of cgroups`, {
    hint: 'a systemd slice cannot be a parent: tsctr makes its cgroups itself',
  })
}

/** `NAME=value` or `NAME`. @throws INVALID_ARGUMENT */
export function parseEnvEntry(text: string): string {
  if (!text.startsWith('=') && text !== '' && !text.includes('\0')) return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: must be NAME=value or NAME`)
}
