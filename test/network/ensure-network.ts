/** Brings up the network of a data root for default-network.test.ts and prints bridge and subnet. */
import { join } from 'node:path'
import { openDatabase } from '../../src/host/database.ts'
import { ensureDefaultNetwork } from '../../src/network/default-network.ts'
import { networkMigrations } from '../../src/network/schema.ts'

const [dataRoot = ''] = process.argv.slice(2)
const database = openDatabase(join(dataRoot, 'meta.db'), networkMigrations)
const { bridgeName, subnet } = await ensureDefaultNetwork(database, { dataRoot })
console.log(bridgeName, subnet)
database.close()
