import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { create } from 'tar'

/**
 * Machine code of the programs in the image: one that ends at once, one that sleeps for ever.
 * Source: System V ABI; Linux's numbers of the system calls exit, pause and ppoll
 */
const code: Readonly<Record<string, { readonly exit: string; readonly sleep: string }>> = {
  // mov eax,60; xor edi,edi; syscall — mov eax,34; syscall; jmp -9
  x64: { exit: 'b83c00000031ff0f05', sleep: 'b8220000000f05ebf7' },
  // mov x8,93; mov x0,0; svc 0 — mov x0,0; mov x1,0; mov x2,0; mov x3,0; mov x8,73; svc 0; b -24
  arm64: {
    exit: 'a80b8052000080d2010000d4',
    sleep: '000080d2010080d2020080d2030080d2280980d2010000d4faffff17',
  },
}

const machines: Readonly<Record<string, number>> = { x64: 62, arm64: 183 }
const headersLength = 64 + 56
const loadAddress = 0x400000n

/**
 * Write an archive for `import`, with the files exit and sleep, that run anywhere.
 *
 * @param directory  emptied by the caller
 * @returns          the archive's path
 */
export async function writeTrainingImage(directory: string): Promise<string> {
  const archive = join(directory, 'image.tar')
  const files = join(directory, 'files')
  mkdirSync(files, { recursive: true })
  for (const [name, hex] of Object.entries(code[process.arch] ?? {})) {
    writeFileSync(join(files, name), executable(Buffer.from(hex, 'hex')), { mode: 0o755 })
  }
  await create({ file: archive, cwd: files, portable: true }, ['.'])
  return archive
}

/** A static ELF file of one segment. Source: elf(5) */
function executable(text: Buffer): Buffer {
  const headers = Buffer.alloc(headersLength)
  headers.write('\x7fELF\x02\x01\x01', 'latin1')
  headers.writeUInt16LE(2, 16)
  headers.writeUInt16LE(machines[process.arch] ?? 0, 18)
  headers.writeUInt32LE(1, 20)
  headers.writeBigUInt64LE(loadAddress + BigInt(headersLength), 24)
  headers.writeBigUInt64LE(64n, 32)
  headers.writeUInt16LE(64, 52)
  headers.writeUInt16LE(56, 54)
  headers.writeUInt16LE(1, 56)
  headers.writeUInt32LE(1, 64)
  headers.writeUInt32LE(5, 68)
  headers.writeBigUInt64LE(loadAddress, 80)
  headers.writeBigUInt64LE(loadAddress, 88)
  const size = BigInt(headersLength + text.length)
  headers.writeBigUInt64LE(size, 96)
  headers.writeBigUInt64LE(size, 104)
  headers.writeBigUInt64LE(4096n, 112)
  return Buffer.concat([headers, text])
}
