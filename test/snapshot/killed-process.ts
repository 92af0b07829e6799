import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase, writeTransaction } from '../../src/host/database.ts'
import { SnapshotDirectories } from '../../src/snapshot/directories.ts'
import { insertSnapshot } from '../../src/snapshot/records.ts'
import { snapshotMigrations } from '../../src/snapshot/schema.ts'

// A process of its own that is killed with the directory made and its row not committed.
const [root = '', databasePath = ''] = process.argv.slice(2)
const database = openDatabase(databasePath, snapshotMigrations)
const directories = new SnapshotDirectories(root)
writeTransaction(database, () => {
  const request = { key: 'lost', parent: undefined, kind: 'active', labels: {} } as const
  const number = insertSnapshot(database, request)
  directories.make(number)
  writeFileSync(join(directories.fs(number), 'half-made'), '')
  process.kill(process.pid, 'SIGKILL')
  // The signal may take a moment; the transaction must not end before it.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
})
