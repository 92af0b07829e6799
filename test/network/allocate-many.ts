/** Takes addresses for allocate-address.test.ts: arguments are directory, name and how many. */
import { join } from 'node:path'
import { openDatabase } from '../../src/host/database.ts'
import { selfAsOwner } from '../../src/host/owner.ts'
import { commitEndpoints } from '../../src/network/addresses.ts'
import { allocateAddress } from '../../src/network/allocate-address.ts'
import { networkMigrations } from '../../src/network/schema.ts'

const [dir = '', name = '', count = ''] = process.argv.slice(2)
const database = openDatabase(join(dir, 'meta.db'), networkMigrations)
for (let index = 0; index < Number(count); index++) {
  const containerId = `${name}-${index}`
  const owner = selfAsOwner()
  const request = { networkName: 'large', containerId, owner }
  console.log((await allocateAddress(database, request)).address)
  // The process ends while others still allocate: they would take back what it was preparing.
  commitEndpoints(database, containerId, owner)
}
database.close()
