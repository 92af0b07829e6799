import { isIPv4, isIPv6 } from 'node:net'
import { TsctrError } from '../../errors.ts'
import { canonicalAddress6 } from '../../network/ipv6.ts'
import { parseNetworkName } from '../../network/network-name.ts'
import type { NetworkAttachment, NetworkMode } from '../config.ts'
import { parseHostname } from './names.ts'
import { peerMode } from './namespace-mode.ts'

/** One `--network`: a mode, or a network of the host to be in. */
export type NetworkFlag =
  | { readonly mode: Exclude<NetworkMode, 'bridge'> }
  | { readonly attachment: NetworkAttachment }

/**
 * `bridge`, `host`, `none`, `container:NAME`, `ns:/PATH`, the name or id of a network, or
 * `name=NETWORK,alias=NAME,ip=ADDRESS,ip6=ADDRESS,mac-address=ADDRESS`.
 *
 * @throws  INVALID_ARGUMENT
 * Source: docker run --network, nerdctl run --network for ns:
 */
export function parseNetwork(text: string): NetworkFlag {
  const joined = peerMode(text)
  if (joined !== undefined) return { mode: joined }
  if (text.startsWith('ns:/')) return { mode: text as `ns:/${string}` }
  if (text === 'host' || text === 'none') return { mode: text }
  if (text === 'default') return { attachment: { name: 'bridge', aliases: [] } }
  if (text.includes('=')) return { attachment: parseFields(text) }
  return { attachment: { name: parseNetworkName(text), aliases: [] } }
}

/** A name in a network. @throws INVALID_ARGUMENT */
export function parseAlias(text: string): string {
  return parseHostname(text)
}

export function parseIpv4(text: string): string {
  if (isIPv4(text)) return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not an IPv4 address`)
}

/** In the form in which addresses are compared. */
export function parseIpv6(text: string): string {
  if (isIPv6(text) && !text.includes('%')) return canonicalAddress6(text)
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not an IPv6 address`)
}

/** A hardware address of one interface: the lowest bit of its first byte would mean several. */
export function parseMacAddress(text: string): string {
  const bytes = text.toLowerCase().split(/[:-]/)
  const isAddress = bytes.length === 6 && bytes.every((byte) => /^[0-9a-f]{2}$/.test(byte))
  const isOfOne = (Number.parseInt(bytes[0] ?? '', 16) & 1) === 0
  if (isAddress && isOfOne) return bytes.join(':')
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not a hardware address`, {
    hint: 'as in 02:42:ac:11:00:02; the first byte even',
  })
}

function parseFields(text: string): NetworkAttachment {
  let attachment: NetworkAttachment = { name: '', aliases: [] }
  for (const field of text.split(',')) {
    const [, key = field, value = ''] = /^([^=]*)=(.*)$/s.exec(field) ?? []
    switch (key) {
      case 'name':
        attachment = { ...attachment, name: parseNetworkName(value) }
        break
      case 'alias':
        attachment = { ...attachment, aliases: [...attachment.aliases, parseAlias(value)] }
        break
      case 'ip':
        attachment = { ...attachment, address: parseIpv4(value) }
        break
      case 'ip6':
        attachment = { ...attachment, address6: parseIpv6(value) }
        break
      case 'mac-address':
        attachment = { ...attachment, macAddress: parseMacAddress(value) }
        break
      default:
        throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: no such field: ${key}`, {
          hint: 'name, alias, ip, ip6, mac-address',
        })
    }
  }
  if (attachment.name !== '') return attachment
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: needs a name=NETWORK`)
}
