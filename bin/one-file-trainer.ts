import { writeFileSync } from 'node:fs'
import sea from 'node:sea'
import { Script } from 'node:vm'

// Runs the bundle with several command lines and writes down the code that V8 compiled meanwhile.
// What a command needs to start is then compiled already when a user runs it.
const [program = '', , cacheFile = '', commandLines = '[]'] = process.argv
const source = Buffer.from(sea.getRawAsset('tsctr.cjs')).toString('latin1')
const script = new Script(source, { filename: 'tsctr.cjs' })
const waiting: string[][] = JSON.parse(commandLines)

process.on('beforeExit', next)
next()

/** A command has ended when nothing is left to do: then Node asks whether to exit. */
function next(): void {
  const line = waiting.shift()
  if (line === undefined) {
    process.off('beforeExit', next)
    process.exitCode = 0
    writeFileSync(cacheFile, script.createCachedData())
    return
  }
  process.argv = [program, program, ...line]
  script.runInThisContext()(require)
  // Also for a command that is over already.
  setImmediate(() => {})
}
