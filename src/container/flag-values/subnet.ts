import { isIP } from 'node:net'
import { TsctrError } from '../../errors.ts'

/** `ADDRESS/LENGTH`, of IPv4 or IPv6. @throws INVALID_ARGUMENT */
export function parseSubnetText(text: string): string {
  const [address = '', length = '', ...rest] = text.split('/')
  const family = address.includes('%') ? 0 : isIP(address)
  const isLength = /^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128)
  if (family !== 0 && isLength && rest.length === 0) return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not a subnet`, {
    hint: 'as in 10.1.2.0/24 or fd00:1::/64',
  })
}

/** An address of IPv4 or IPv6. @throws INVALID_ARGUMENT */
export function parseAddressText(text: string): string {
  if (isIP(text) !== 0 && !text.includes('%')) return text
  throw new TsctrError('INVALID_ARGUMENT', `${JSON.stringify(text)}: not an IP address`)
}
