import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { lockFile } from '../../src/host/file-lock.ts'

// A process of its own that takes a lock and then does what its third argument says.
const [path = '', counter = '', task = ''] = process.argv.slice(2)
if (task === 'count') {
  for (let turn = 0; turn < 30; turn += 1) {
    const lock = await lockFile(path)
    const found = Number(readFileSync(counter, 'utf8'))
    writeFileSync(counter, String(found + 1))
    lock.release()
  }
} else {
  await lockFile(path)
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  process.stdout.write(`${child.pid}\n`)
  setInterval(() => {}, 60_000)
}
