import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ChunkScripts, runChunks } from './chunk-loader.ts'
import type { TrainingResult } from './chunks.ts'

// Runs the program with several command lines, and writes down which chunks each has used and the
// code that V8 compiled meanwhile. What a command needs to start is then compiled already when a
// user runs it.
const [program = '', , directory = '', commandLines = '[]'] = process.argv
const file = (name: string): Buffer => readFileSync(join(directory, name))
const { main, ...index } = JSON.parse(file('chunks.json').toString())
const scripts = new ChunkScripts({ ...index, texts: file('chunks.txt'), codes: Buffer.alloc(0) })
const waiting: string[][] = JSON.parse(commandLines)
const used: Iterable<string>[] = []

process.on('beforeExit', next)
next()

/** A command has ended when nothing is left to do: then Node asks whether to exit. */
function next(): void {
  const line = waiting.shift()
  if (line === undefined) {
    process.off('beforeExit', next)
    process.exitCode = 0
    const result: TrainingResult = {
      used: used.map((names) => [...names]),
      codes: scripts.compiled().map((code) => code.toString('base64')),
    }
    writeFileSync(join(directory, 'training.json'), JSON.stringify(result))
    return
  }
  process.argv = [program, program, ...line]
  used.push(runChunks(scripts, main, require))
  // Also for a command that is over already.
  setImmediate(() => {})
}
