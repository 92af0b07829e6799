import { isIPv6 } from 'node:net'
import { TsctrError } from '../errors.ts'

/** IPv6 addresses are unsigned 128-bit numbers inside, text at the edges. */
export interface Subnet6 {
  /** The subnet's first address, which names it. */
  readonly base: bigint
  readonly prefixLength: number
}

const bits = 128
const groups = 8

/** @throws INVALID_ARGUMENT unless it is an address, without a zone */
export function parseAddress6(text: string): bigint {
  if (!isIPv6(text) || text.includes('%')) {
    throw new TsctrError('INVALID_ARGUMENT', `${text}: not an IPv6 address`)
  }
  const [head = '', tail] = withoutDots(text).split('::')
  const before = wordsOf(head)
  const after = tail === undefined ? [] : wordsOf(tail)
  const gap = Array<bigint>(groups - before.length - after.length).fill(0n)
  return [...before, ...gap, ...after].reduce((value, word) => (value << 16n) | word, 0n)
}

/** Source: RFC 5952 "A Recommendation for IPv6 Address Text Representation" */
export function formatAddress6(address: bigint): string {
  const words = Array.from({ length: groups }, (_, index) =>
    Number((address >> BigInt(16 * (groups - 1 - index))) & 0xffffn),
  )
  const gap = longestZeros(words)
  const hex = (part: readonly number[]): string => part.map((word) => word.toString(16)).join(':')
  if (gap.length < 2) return hex(words)
  return `${hex(words.slice(0, gap.start))}::${hex(words.slice(gap.start + gap.length))}`
}

/**
 * @param text  `ADDRESS/LENGTH`; bits set beyond the prefix are dropped, as docker does
 * @throws      INVALID_ARGUMENT if it is not of that form
 */
export function parseSubnet6(text: string): Subnet6 {
  const [address = '', length = '', ...rest] = text.split('/')
  const prefixLength = Number(length)
  if (!/^\d{1,3}$/.test(length) || prefixLength > bits || rest.length > 0) {
    throw new TsctrError('INVALID_ARGUMENT', `${text}: not a subnet`, {
      hint: 'as in fd00:1::/64',
    })
  }
  const number = parseAddress6(address)
  return { base: number - (number % sizeOf6(prefixLength)), prefixLength }
}

export function formatSubnet6({ base, prefixLength }: Subnet6): string {
  return `${formatAddress6(base)}/${prefixLength}`
}

/** How many addresses a prefix leaves. */
export function sizeOf6(prefixLength: number): bigint {
  return 1n << BigInt(bits - prefixLength)
}

export function isInside6({ base, prefixLength }: Subnet6, address: bigint): boolean {
  return address >= base && address < base + sizeOf6(prefixLength)
}

export function overlap6(one: Subnet6, other: Subnet6): boolean {
  return isInside6(one, other.base) || isInside6(other, one.base)
}

/** The same address in its one usual form: what is compared, and stored, is text. */
export function canonicalAddress6(text: string): string {
  return formatAddress6(parseAddress6(text))
}

/** The bytes as they go over the wire. */
export function bytesOf6(address: bigint): Buffer {
  return Buffer.from(address.toString(16).padStart(32, '0'), 'hex')
}

/** `::ffff:1.2.3.4` with its last part in hex. */
function withoutDots(text: string): string {
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const word = (high: string, low: string): string =>
      (Number(high) * 256 + Number(low)).toString(16)
    return `${word(a, b)}:${word(c, d)}`
  })
}

function wordsOf(text: string): bigint[] {
  return text === '' ? [] : text.split(':').map((word) => BigInt(`0x${word}`))
}

function longestZeros(words: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < words.length; start++) {
    let length = 0
    while (words[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  return best
}
