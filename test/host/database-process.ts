import { once } from 'node:events'
import { openDatabase, writeTransaction } from '../../src/host/database.ts'
import { twoSteps } from './database-steps.ts'

// A process of its own that waits for a line, so that several begin at once, then does with the
// database at a path what its second argument says.
const [path = '', task = ''] = process.argv.slice(2)
process.stdout.write('ready\n')
await once(process.stdin, 'data')
process.stdin.pause()
const database = openDatabase(path, twoSteps)
if (task === 'count') {
  for (let turn = 0; turn < 50; turn += 1) {
    writeTransaction(database, () => {
      const found = database.prepare('SELECT value FROM counter').pluck().get()
      database.prepare('UPDATE counter SET value = ?').run(Number(found) + 1)
    })
  }
} else if (task === 'die') {
  writeTransaction(database, () => {
    database.exec('UPDATE counter SET value = 1000')
    process.kill(process.pid, 'SIGKILL')
  })
}
database.close()
