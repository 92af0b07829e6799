import { closeSync, openSync } from 'node:fs'
import { DT_NULL, DT_STRTAB, ElfFile, PF_X, PT_LOAD } from './elf-file.ts'

/**
 * Let an x86-64 Node start where libatomic.so.1 is not installed: a minimal Debian has none.
 *
 * Node takes one function from that library, `__atomic_compare_exchange`, and calls it for eight
 * bytes only. For those it is 28 bytes of machine code: they go into the unused end of the last page
 * of the program's code, the symbol is pointed at them, and the library is taken off the list.
 * A file that needs no libatomic, or was made for another machine, is left as it is.
 *
 * @param path  an ELF executable; changed in place
 * @throws      if it needs libatomic for more than that, or has no room
 * Source: elf(5); Linux Standard Base §"Symbol Versioning"; GCC "__atomic builtins"
 */
export function withoutLibatomic(path: string): void {
  const fd = openSync(path, 'r+')
  try {
    const file = new ElfFile(fd)
    const needed = file.dynamic.find(
      ({ tag, value }) => tag === DT_NEEDED && file.string(value) === library,
    )
    if (needed === undefined) return
    const requirement = findRequirement(file)
    const symbolIndex = onlySymbolOf(file, requirement.versions)
    defineSymbol(file, symbolIndex, placeCode(file))
    dropRequirement(file, requirement)
    dropDynamicEntry(file, needed.offset)
  } finally {
    closeSync(fd)
  }
}

const library = 'libatomic.so.1'
const symbolName = '__atomic_compare_exchange'

// bool f(size_t size, void *object, void *expected, void *desired, int success, int failure)
const compareExchange = Buffer.from(
  [
    '4883ff08', //   cmp  rdi, 8
    '7402', //       je   +2
    '0f0b', //       ud2                  another size: stop rather than be wrong
    '488b02', //     mov  rax, [rdx]
    '488b09', //     mov  rcx, [rcx]
    'f0480fb10e', // lock cmpxchg [rsi], rcx
    '7403', //       je   +3
    '488902', //     mov  [rdx], rax      report what was found instead
    '0f94c0', //     sete al
    'c3', //         ret
  ].join(''),
  'hex',
)

const DT_NEEDED = 1
const DT_SYMTAB = 6
const DT_VERSYM = 0x6ffffff0
const DT_VERNEED = 0x6ffffffe
const DT_VERNEEDNUM = 0x6fffffff
const STV_HIDDEN = 2
const VER_NDX_GLOBAL = 1
const symbolSize = 24
const pageSize = 0x1000

/** What the file says it wants of a library: an Elf64_Verneed record and its place in the list. */
interface Requirement {
  readonly offset: number
  readonly previous: number | undefined
  readonly next: number
  readonly versions: readonly number[]
}

function findRequirement(file: ElfFile): Requirement {
  let offset = file.offsetOf(file.entry(DT_VERNEED).value)
  let previous: number | undefined
  for (;;) {
    const record = file.read(offset, 16)
    const next = record.readUInt32LE(12)
    if (file.string(record.readUInt32LE(4)) === library) {
      const versions = versionsOf(file, offset + record.readUInt32LE(8))
      return { offset, previous, next, versions }
    }
    if (next === 0) throw new Error(`${library} is needed, but no version of it`)
    previous = offset
    offset += next
  }
}

function versionsOf(file: ElfFile, first: number): number[] {
  const versions: number[] = []
  for (let offset = first, next = -1; next !== 0; offset += next) {
    const record = file.read(offset, 16)
    versions.push(record.readUInt16LE(6))
    next = record.readUInt32LE(12)
  }
  return versions
}

/** The index of the one symbol with these versions. */
function onlySymbolOf(file: ElfFile, versions: readonly number[]): number {
  const symbols = file.entry(DT_SYMTAB).value
  const count = Math.floor((file.entry(DT_STRTAB).value - symbols) / symbolSize)
  const versionTable = file.read(file.offsetOf(file.entry(DT_VERSYM).value), count * 2)
  const indexes = Array.from({ length: count }, (_, index) => index).filter((index) =>
    versions.includes(versionTable.readUInt16LE(index * 2)),
  )
  const names = indexes.map((index) =>
    file.string(file.read(file.offsetOf(symbols) + index * symbolSize, 4).readUInt32LE(0)),
  )
  const [index] = indexes
  if (index === undefined || names.join() !== symbolName) {
    throw new Error(
      `${library} is needed for ${names.join(', ')}: only ${symbolName} is known here`,
    )
  }
  return index
}

/** Put the code behind the program's own; returns its address. */
function placeCode(file: ElfFile): number {
  const segment = file.segments.find(({ type, flags }) => type === PT_LOAD && (flags & PF_X) !== 0)
  if (segment === undefined) throw new Error('ELF file loads no code')
  const start = Math.ceil((segment.address + segment.memorySize) / 16) * 16
  const end = start + compareExchange.length
  const offset = segment.offset + start - segment.address
  const isRoom = Math.ceil(start / pageSize) === Math.ceil(end / pageSize)
  if (!isRoom || file.read(offset, compareExchange.length).some((byte) => byte !== 0)) {
    throw new Error('ELF file has no room behind its code')
  }
  file.write(offset, compareExchange)
  file.writeNumber(segment.headerOffset + 32, end - segment.address, 8)
  file.writeNumber(segment.headerOffset + 40, end - segment.address, 8)
  return start
}

/** Make an undefined symbol one of the program's own, which the loader does not look for. */
function defineSymbol(file: ElfFile, index: number, address: number): void {
  const offset = file.offsetOf(file.entry(DT_SYMTAB).value) + index * symbolSize
  // The loader asks of the section only whether there is one.
  file.write(offset + 5, Buffer.from([STV_HIDDEN, 1, 0]))
  file.writeNumber(offset + 8, address, 8)
  file.writeNumber(offset + 16, compareExchange.length, 8)
  const versionOffset = file.offsetOf(file.entry(DT_VERSYM).value) + index * 2
  file.writeNumber(versionOffset, VER_NDX_GLOBAL, 2)
}

function dropRequirement(file: ElfFile, { offset, previous, next }: Requirement): void {
  const count = file.entry(DT_VERNEEDNUM)
  file.writeNumber(count.offset + 8, count.value - 1, 8)
  if (previous === undefined) {
    const first = file.entry(DT_VERNEED)
    file.writeNumber(first.offset + 8, first.value + next, 8)
  } else {
    file.writeNumber(previous + 12, next === 0 ? 0 : offset - previous + next, 4)
  }
}

function dropDynamicEntry(file: ElfFile, offset: number): void {
  const end = (file.dynamic.at(-1)?.offset ?? offset) + 16
  const behind = file.read(offset + 16, end - offset - 16)
  file.write(offset, Buffer.concat([behind, Buffer.alloc(16, DT_NULL)]))
}
