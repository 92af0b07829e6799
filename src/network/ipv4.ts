import { TsctrError } from '../errors.ts'

/** IPv4 addresses are unsigned 32-bit numbers inside, text at the edges. */
export interface Subnet {
  /** The subnet's first address, which names it. */
  readonly base: number
  readonly prefixLength: number
}

/** @throws INVALID_ARGUMENT unless it is four decimal numbers */
export function parseAddress(text: string): number {
  const parts = text.split('.')
  const isAddress = parts.length === 4 && parts.every((part) => isDecimalByte(part))
  if (!isAddress) throw new TsctrError('INVALID_ARGUMENT', `${text}: not an IPv4 address`)
  return parts.reduce((value, part) => value * 256 + Number(part), 0)
}

export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')
}

/**
 * @param text  `ADDRESS/LENGTH`
 * @throws      INVALID_ARGUMENT if it is not of that form or has bits set beyond the prefix
 */
export function parseSubnet(text: string): Subnet {
  const [address, length, ...rest] = text.split('/')
  const prefixLength = Number(length)
  if (!/^\d{1,2}$/.test(length ?? '') || prefixLength > 32 || rest.length > 0) {
    throw new TsctrError('INVALID_ARGUMENT', `${text}: not a subnet`, { hint: 'as in 10.1.2.0/24' })
  }
  const base = parseAddress(address ?? '')
  if (base % sizeOf(prefixLength) !== 0) {
    const meant = formatSubnet({ base: base - (base % sizeOf(prefixLength)), prefixLength })
    throw new TsctrError('INVALID_ARGUMENT', `${text}: has bits set beyond its prefix`, {
      hint: `use ${meant}`,
    })
  }
  return { base, prefixLength }
}

export function formatSubnet({ base, prefixLength }: Subnet): string {
  return `${formatAddress(base)}/${prefixLength}`
}

/** How many addresses a prefix leaves. */
export function sizeOf(prefixLength: number): number {
  return 2 ** (32 - prefixLength)
}

export function overlap(one: Subnet, other: Subnet): boolean {
  return (
    one.base < other.base + sizeOf(other.prefixLength) &&
    other.base < one.base + sizeOf(one.prefixLength)
  )
}

/**
 * The hardware address that goes with an address: when the address moves to another container,
 * neighbours' ARP entries stay right.
 */
export function macAddressOf(address: number): string {
  // The first byte's second lowest bit: administered locally, not assigned to a maker.
  const bytes = [0x02, 0x74, ...[24, 16, 8, 0].map((shift) => (address >>> shift) & 255)]
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}

function isDecimalByte(text: string): boolean {
  return /^(0|[1-9]\d{0,2})$/.test(text) && Number(text) <= 255
}
