import { setTimeout as delay } from 'node:timers/promises'
import { hasCode } from '../../src/errors.ts'
import { collectGarbage } from '../../src/gc/collect-garbage.ts'
import { pullImage } from '../../src/image/pull.ts'
import { removeImage } from '../../src/image/remove-image.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { openStores } from '../helpers/stores.ts'
import { testClient } from '../registry/fake-registry.ts'

// A process of its own that pulls, removes or collects over and over until it is told to end. It
// says when it begins, and at its end how often. Any error but the expected ones ends it with a code of 1.
const [dataRoot = '', deed = '', ...names] = process.argv.slice(2)
const platform = { os: 'linux', architecture: 'amd64' }
const { client } = testClient()
const stores = { ...openStores(dataRoot), namespace: 'default', registry: async () => client }

let isEnding = false
process.on('SIGTERM', () => {
  isEnding = true
})

process.stdout.write('ready\n')
let count = 0
for (; !isEnding; count += 1) {
  const name = names[count % names.length] ?? ''
  if (deed === 'pull') {
    await pullImage(stores, { reference: parseReference(name), platform, unpacks: true })
  } else if (deed === 'remove') {
    remove(name)
  }
  if (deed !== 'pull') collectGarbage(stores)
  // SQLite's lock is not fair: without a pause the others would starve.
  await delay(deed === 'pull' ? 5 : 40)
}
stores.database.close()
client.close()
process.stdout.write(`${count}\n`)

function remove(text: string): void {
  try {
    removeImage(stores, { text, platform, isForced: true, isRunning: () => false })
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error
  }
}
