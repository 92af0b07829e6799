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

// One copy of the addon for all command lines: two copies of SQLite in one process would undo each
// other's locks. Source: sqlite.org/howtocorrupt.html, section 2.2.1
const { dlopen } = process
let addon: unknown
process.dlopen = (module: object, ...rest) => {
  const loading = module as { exports: unknown }
  if (addon !== undefined) {
    loading.exports = addon
    return
  }
  dlopen.call(process, module, ...rest)
  addon = loading.exports
}

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
