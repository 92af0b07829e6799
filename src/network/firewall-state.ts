import { closeSync, readFileSync, readlinkSync, readSync, writeSync } from 'node:fs'
import { isErrno } from '../errors.ts'
import { NETLINK_NETFILTER, openNetlink } from '../host/libc.ts'

// Source: linux/netlink.h, linux/netfilter/nfnetlink.h, linux/netfilter/nf_tables.h
const headerLength = 16
const nfHeaderLength = 4
const nftables = 10
const newGeneration = (nftables << 8) | 15
const getGeneration = (nftables << 8) | 16
const generationId = 1
const requestFlag = 1

/**
 * How many transactions the nftables of this network namespace have seen. While the number stays,
 * every rule that was there still is: whether a firewall was reloaded or flushed is known without
 * a process, 0.2 ms instead of 4.
 *
 * @returns  undefined if the kernel has no nftables
 */
export function nftGeneration(): number | undefined {
  const socket = openNetlink(NETLINK_NETFILTER)
  try {
    const request = Buffer.alloc(headerLength + nfHeaderLength)
    request.writeUInt32LE(request.length, 0)
    request.writeUInt16LE(getGeneration, 4)
    request.writeUInt16LE(requestFlag, 6)
    writeSync(socket, request)
    const reply = Buffer.alloc(4096)
    return generationOf(reply.subarray(0, readSync(socket, reply)))
  } finally {
    closeSync(socket)
  }
}

/** A text that names one generation in one network namespace, for `network.applied`. */
export function firewallState(generation: number | undefined): string | undefined {
  if (generation === undefined) return undefined
  return `${readlinkSync('/proc/thread-self/ns/net')} ${generation}`
}

/** Whether rules of the older iptables, which nftables does not list, may stand in the way. */
export function hasLegacyFilter(): boolean {
  try {
    const tables = readFileSync('/proc/thread-self/net/ip_tables_names', 'ascii')
    return tables.split('\n').includes('filter')
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

function generationOf(message: Buffer): number | undefined {
  if (message.length < headerLength || message.readUInt16LE(4) !== newGeneration) return undefined
  let offset = headerLength + nfHeaderLength
  while (offset + 8 <= message.length) {
    const length = message.readUInt16LE(offset)
    if (message.readUInt16LE(offset + 2) === generationId) return message.readUInt32BE(offset + 4)
    // Attributes are aligned to four bytes; a length below the header's would not end.
    offset += Math.max(4, (length + 3) & ~3)
  }
  return undefined
}
