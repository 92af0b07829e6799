import { readSync, writeSync } from 'node:fs'

/** A program header. Source: elf(5) Elf64_Phdr */
export interface Segment {
  /** Where the header itself is in the file. */
  readonly headerOffset: number
  readonly type: number
  readonly flags: number
  readonly offset: number
  readonly address: number
  readonly fileSize: number
  readonly memorySize: number
}

/** An entry of the dynamic section. Source: elf(5) Elf64_Dyn */
export interface DynamicEntry {
  readonly offset: number
  readonly tag: number
  readonly value: number
}

export const PT_LOAD = 1
export const PT_DYNAMIC = 2
export const PF_X = 1
export const DT_NULL = 0
export const DT_STRTAB = 5

const EM_X86_64 = 62
const programHeaderSize = 56
const dynamicEntrySize = 16

/** An open 64-bit little-endian ELF file, read and written in place. */
export class ElfFile {
  readonly #fd: number
  readonly segments: readonly Segment[]
  readonly dynamic: readonly DynamicEntry[]
  readonly isX64: boolean

  constructor(fd: number) {
    this.#fd = fd
    const header = this.read(0, 64)
    this.isX64 = header.readUInt32BE(0) === 0x7f454c46 && header.readUInt16LE(18) === EM_X86_64
    this.segments = this.isX64 ? this.#readSegments(header) : []
    this.dynamic = this.#readDynamic()
  }

  read(offset: number, length: number): Buffer {
    const bytes = Buffer.alloc(length)
    if (readSync(this.#fd, bytes, 0, length, offset) !== length)
      throw new Error('ELF file ends early')
    return bytes
  }

  write(offset: number, bytes: Buffer): void {
    writeSync(this.#fd, bytes, 0, bytes.length, offset)
  }

  /** Write a number of 2, 4 or 8 bytes. */
  writeNumber(offset: number, value: number, size: 2 | 4 | 8): void {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(BigInt(value))
    this.write(offset, bytes.subarray(0, size))
  }

  /** Where the byte that is loaded at `address` stands in the file. */
  offsetOf(address: number): number {
    const segment = this.segments.find(
      ({ type, address: start, fileSize }) =>
        type === PT_LOAD && start <= address && address < start + fileSize,
    )
    if (segment === undefined) throw new Error(`ELF file loads nothing at ${address.toString(16)}`)
    return segment.offset + address - segment.address
  }

  /** The only dynamic entry with the tag. */
  entry(tag: number): DynamicEntry {
    const found = this.dynamic.find((entry) => entry.tag === tag)
    if (found === undefined) throw new Error(`ELF file has no dynamic entry ${tag.toString(16)}`)
    return found
  }

  /** A string of the dynamic string table. */
  string(index: number): string {
    const bytes = this.read(this.offsetOf(this.entry(DT_STRTAB).value) + index, 256)
    return bytes.toString('latin1', 0, bytes.indexOf(0))
  }

  #readSegments(header: Buffer): Segment[] {
    const first = Number(header.readBigUInt64LE(32))
    const count = header.readUInt16LE(56)
    return Array.from({ length: count }, (_, index) => {
      const headerOffset = first + index * programHeaderSize
      const bytes = this.read(headerOffset, programHeaderSize)
      return {
        headerOffset,
        type: bytes.readUInt32LE(0),
        flags: bytes.readUInt32LE(4),
        offset: Number(bytes.readBigUInt64LE(8)),
        address: Number(bytes.readBigUInt64LE(16)),
        fileSize: Number(bytes.readBigUInt64LE(32)),
        memorySize: Number(bytes.readBigUInt64LE(40)),
      }
    })
  }

  #readDynamic(): DynamicEntry[] {
    const segment = this.segments.find(({ type }) => type === PT_DYNAMIC)
    const entries: DynamicEntry[] = []
    if (segment === undefined) return entries
    const end = segment.offset + segment.fileSize
    for (let offset = segment.offset; offset < end; offset += dynamicEntrySize) {
      const bytes = this.read(offset, dynamicEntrySize)
      const tag = Number(bytes.readBigUInt64LE(0))
      if (tag === DT_NULL) break
      entries.push({ offset, tag, value: Number(bytes.readBigUInt64LE(8)) })
    }
    return entries
  }
}
