import { openDatabase } from '../../src/host/database.ts'
import { nativeSnapshotter } from '../../src/snapshot/native.ts'
import { overlaySnapshotter } from '../../src/snapshot/overlay.ts'
import { snapshotMigrations } from '../../src/snapshot/schema.ts'

// A process of its own that prepares snapshots one after another, and prints a line for each.
const [kind = '', root = '', databasePath = '', parent = '', ...keys] = process.argv.slice(2)
const make = kind === 'native' ? nativeSnapshotter : overlaySnapshotter
const database = openDatabase(databasePath, snapshotMigrations)
const snapshots = make(root, database)
for (const key of keys) {
  try {
    console.log(key, snapshots.prepare(key, parent).number)
  } catch (error) {
    console.log(key, (error as { code?: string }).code)
  }
}
database.close()
