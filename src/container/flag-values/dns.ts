import { isIP } from 'node:net'
import { TsctrError } from '../../errors.ts'

/** The address of a name server. @throws INVALID_ARGUMENT */
export function parseDnsServer(text: string): string {
  if (isIP(text) !== 0) return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not an IP address`)
}

/**
 * A domain to search names in; a dot alone, or nothing, for none.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker run --dns-search
 */
export function parseDnsSearch(text: string): string {
  const domain = text.trim()
  if (domain === '' || domain === '.') return '.'
  const labels = domain.replace(/\.$/, '').split('.')
  const isDomain = labels.every((label) =>
    /^[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?$/.test(label),
  )
  if (isDomain && domain.length <= 253) return domain
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not a domain like example.com`)
}

/** A word for the `options` line. Source: resolv.conf(5) @throws INVALID_ARGUMENT */
export function parseDnsOption(text: string): string {
  if (/^[a-z][a-z0-9-]*(:\d+)?$/.test(text)) return text
  throw new TsctrError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(text)}: not an option of resolv.conf`,
    {
      hint: 'like ndots:2, timeout:1 or rotate',
    },
  )
}
