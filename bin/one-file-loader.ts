import sea from 'node:sea'
import { ChunkScripts, type Chunks, runChunks } from './chunk-loader.ts'

// The first lines of the one-file build, and of its worker threads: they start the program's chunks
// with the code that V8 has compiled for them at build time.
const asset = (name: string): Buffer => Buffer.from(sea.getRawAsset(name))
const { main, ...index }: Pick<Chunks, 'scriptOf' | 'ranges'> & { main: string } = JSON.parse(
  asset('chunks.json').toString('latin1'),
)
const chunks = { ...index, texts: asset('chunks.txt'), codes: asset('chunks.code') }
// What Node does after the last event, freeing all that it has, takes a fifth of a short command.
if (!('isTsctrWorker' in globalThis)) process.once('beforeExit', () => process.exit())
runChunks(new ChunkScripts(chunks), main, require)
